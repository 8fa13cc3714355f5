"""Entry point, for Spaces and for ``python app.py``."""

from app.main import main

if __name__ == "__main__":
    main()

"""Every sentence about links, citations and code."""

SHARE = {
    "copy": "Copy link",
    "copyTitle": "Copy an address that restores this view: example, question, K, η, tab and everything chosen on it",
    "copied": "Link copied.",
    "copyFailed": "The browser does not allow copying here: the address bar holds the link.",
    "ownPicture": "A picture of your own cannot be in a link. Save the run instead: the file opens on this page, without a model.",
    "ownFile": "An opened run cannot be in a link. Share its file instead: it opens on this page, without a model.",
    "saveRun": "Save the run (.vtw)",
    "cite": "Cite / code",
    "citeTitle": "Citations, and this view as Python",
    "code": "This view as Python",
    "codeNote": "Run it in the project's folder, or with a path of your own.",
    "citation": "Citations (BibTeX)",
    "copyCode": "Copy the code",
    "copyCitation": "Copy the citations",
    "textCopied": "Copied.",
    "close": "Close",
}
KEPT = {
    "forgotten": "The server no longer had this page, because it was restarted or you were away for a long time; the page was reloaded. Its results are gone.",
    "both": "Your picture and your question are back: press Run both sides to ask again.",
    "first": "Your first picture and your question are back: choose the model and add the other pictures again, then press Run both sides.",
    "question": "Your question is back; choose your picture or open your file again.",
    "view": "The example, the question and the view that the address names are back.",
    "close": "Close",
}
SHARE_LABEL = "Links, citations and code"
OWN_QUESTION = "This link asks a question of its own. It is in the box on the left: press Run both sides to ask it. Until then, this is the recorded run of the example."
OWN_PICTURE_FILE = "your_picture.png"
FURTHER_PICTURE_FILE = "your_picture_{number}.png"

BIBTEX = """@inproceedings{lin2025vtw,
  title     = {Boosting Multimodal Large Language Models with Visual Tokens Withdrawal for Rapid Inference},
  author    = {Lin, Zhihang and Lin, Mingbao and Lin, Luxi and Ji, Rongrong},
  booktitle = {Proceedings of the AAAI Conference on Artificial Intelligence},
  year      = {2025},
  note      = {arXiv:2405.05803}
}

@article{liu2024mustdrop,
  title   = {Multi-Stage Vision Token Dropping: Towards Efficient Multimodal Large Language Model},
  author  = {Liu, Ting and Shi, Liangtao and Hong, Richang and Hu, Yue and Yin, Quanjun and Zhang, Linfeng},
  journal = {arXiv preprint arXiv:2411.10803},
  year    = {2024}
}
"""

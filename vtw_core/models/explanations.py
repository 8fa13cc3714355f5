"""What goes wrong while a model is loaded, told in one sentence that says what to do."""

import contextlib
import errno
from collections.abc import Generator

from vtw_core.errors import ModelError, VTWError, causes, first_line
from vtw_core.memory import is_out_of_memory
from vtw_core.models.contents import cannot_load, parsed
from vtw_core.models.download import HubError

UNREACHABLE = frozenset(
    {"ConnectionError", "ConnectError", "TimeoutException", "LocalEntryNotFoundError",
     "OfflineModeIsEnabled", "RemoteProtocolError", "NetworkError", "ProcessEnded"}
)  # fmt: skip


@contextlib.contextmanager
def explained(name: str) -> Generator[None, None, None]:
    """Turn whatever goes wrong while the model ``name`` is loaded into one sentence.

    Raises:
        ModelError: the sentence.
    """
    try:
        yield
    except VTWError:
        raise
    # from_pretrained raises OSError for most, ValueError for unknown types and remote code,
    # ImportError for missing packages, safetensors' own error for damaged weights, ...
    except Exception as error:
        raise ModelError(explain(name, error)) from error


def explain(name: str, error: BaseException) -> str:
    """The sentence for an error."""
    chain = causes(error)
    kinds = {cls.__name__ for one in chain for cls in type(one).__mro__}
    number = next((one.errno for one in chain if isinstance(one, OSError)), None)
    if isinstance(error, HubError):
        kinds, number = kinds | error.kinds, error.errno
    text = " ".join(str(one) for one in chain)
    if isinstance(error, HubError) and error.listing is not None:
        listing = error.listing
        found = cannot_load(name, listing["files"], parsed(listing["config"]), listing["shards"])
        return found or f"There is no model in the repository {name}, which has no config.json."
    if "GatedRepoError" in kinds:
        return f"The model {name} is gated; accept its terms on the hub and set HF_TOKEN."
    if "RepositoryNotFoundError" in kinds:
        return f"There is no model {name} on the hub, or it is private; check the name."
    if number == errno.ENOSPC:
        return (
            f"There is no room on the disk for {name} ({first_line(error)}); make room, or set "
            "HF_HOME to a folder on a larger disk."
        )
    if kinds & UNREACHABLE and isinstance(error, HubError) and error.begun:
        return (
            f"The connection to the hub broke while {name} was fetched; load it again, and it goes "
            "on with the files that are finished."
        )
    if kinds & UNREACHABLE or "couldn't connect" in text.lower() or "offline" in text.lower():
        return (
            f"The hub cannot be reached and {name} is not in the local cache; check the "
            "connection, or use 'embedded' or a local folder."
        )
    if "HfHubHTTPError" in kinds:
        return f"The hub failed to deliver {name} ({first_line(error)}); try again later."
    if any(map(is_out_of_memory, chain)):
        return (
            f"Memory ran out while {name} was loaded; use a smaller model, another dtype or "
            "quantize."
        )
    if "trust_remote_code" in text:
        return f"The model {name} needs code of its own, which is never run here."
    if isinstance(error, ImportError):
        return f"The model {name} needs a package that is not installed: {first_line(error)}"
    if "SafetensorError" in kinds:
        return f"The weights of {name} are damaged ({first_line(error)}); fetch them again."
    return f"The model {name} cannot be loaded: {first_line(error)}"

"""Errors while a model is loaded, as one sentence that says what to do."""

import contextlib
import errno
import re
from collections.abc import Collection, Generator

from vtw_core.errors import ModelError, Sentence, VTWError, causes, first_line
from vtw_core.loading.contents import cannot_load, parsed
from vtw_core.loading.hub import HubError
from vtw_core.machine.memory import is_out_of_memory

UNREACHABLE = frozenset(
    {"ConnectionError", "ConnectError", "TimeoutException", "LocalEntryNotFoundError",
     "OfflineModeIsEnabled", "RemoteProtocolError", "NetworkError"}
)  # fmt: skip

# How libraries report a missing package that they look for themselves.
_MISSING = re.compile(
    r"not found in your environment|pip install|not installed|n't seem to be installed"
)


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
        raise ModelError.of(explain(name, error)) from error


def explain(name: str, error: BaseException) -> Sentence:
    """The sentence for an error."""
    chain = causes(error)
    kinds = {cls.__name__ for one in chain for cls in type(one).__mro__}
    numbers = {one.errno for one in chain if isinstance(one, OSError)}
    if isinstance(error, HubError):
        kinds, numbers = kinds | error.kinds, numbers | {error.errno}
    is_short_of_memory = "MemoryError" in kinds or errno.ENOMEM in numbers
    if is_short_of_memory or any(map(is_out_of_memory, chain)):
        return Sentence(
            "Memory ran out while {name} was loaded; use a smaller model, another dtype or "
            "quantize.",
            name=name,
        )
    if errno.ENOSPC in numbers:
        return Sentence(
            "There is no room on the disk for {name} ({problem}); make room, or set HF_HOME to a "
            "folder on a larger disk.",
            name=name,
            problem=first_line(error),
        )
    if isinstance(error, HubError):
        return _of_the_hub(name, error, kinds)
    text = " ".join(map(str, chain))
    if "We couldn't connect to" in text:  # transformers, looking for a file that a folder lacks
        return _unreachable(name)
    if "trust_remote_code" in text:
        return Sentence(
            "The model {name} needs code of its own, which is never run here.", name=name
        )
    if "ignore_mismatched_sizes" in text:
        return Sentence(
            "The config.json of {name} describes weights of other shapes than its files have; "
            "fetch all files of one model.",
            name=name,
        )
    if isinstance(error, ImportError):
        return _of_a_package(name, chain)
    if "SafetensorError" in kinds:
        return Sentence(
            "The weights of {name} are damaged ({problem}); fetch them again.",
            name=name,
            problem=first_line(error),
        )
    return _otherwise(name, error)


def _of_the_hub(name: str, error: HubError, kinds: Collection[str]) -> Sentence:
    """What the process that talks to the hub could not do."""
    if error.listing is not None:
        listing = error.listing
        found = cannot_load(name, listing["files"], parsed(listing["config"]), listing["shards"])
        if found is not None:
            return found
        return Sentence(
            "There is no model in the repository {name}, which has no config.json.", name=name
        )
    if "GatedRepoError" in kinds:
        return Sentence(
            "The model {name} is gated; accept its terms on the hub and set HF_TOKEN.", name=name
        )
    if "RepositoryNotFoundError" in kinds:
        return Sentence(
            "There is no model {name} on the hub, or it is private; check the name.", name=name
        )
    if "ProcessEnded" in kinds:
        return Sentence(
            "The process that asks the hub for {name} was killed, as happens when memory runs "
            "out; load it again.",
            name=name,
        )
    if UNREACHABLE.intersection(kinds) and error.started:
        return Sentence(
            "The connection to the hub broke while {name} was fetched; load it again, and it "
            "goes on with the files that are finished.",
            name=name,
        )
    if UNREACHABLE.intersection(kinds):
        return _unreachable(name)
    if "HfHubHTTPError" in kinds:
        return Sentence(
            "The hub failed to deliver {name} ({problem}); try again later.",
            name=name,
            problem=first_line(error),
        )
    return _otherwise(name, error)


def _of_a_package(name: str, chain: list[BaseException]) -> Sentence:
    """One is missing, or it is there and breaks when it is imported."""
    imports = [one for one in chain if isinstance(one, ImportError)]
    for one in imports:
        if (isinstance(one, ModuleNotFoundError) and one.name) or _MISSING.search(str(one)):
            return Sentence(
                "The model {name} needs a package that is not installed: {problem}",
                name=name,
                problem=first_line(one),
            )
    return Sentence(
        "A package that {name} needs is installed and cannot be imported ({problem}); install "
        "the versions of constraints.txt, which go together.",
        name=name,
        problem=first_line(chain[-1]),
    )


def _unreachable(name: str) -> Sentence:
    return Sentence(
        "The hub cannot be reached and {name} is not in the local cache; check the connection, "
        "or use 'embedded' or a local folder.",
        name=name,
    )


def _otherwise(name: str, error: BaseException) -> Sentence:
    return Sentence(
        "The model {name} cannot be loaded: {problem}", name=name, problem=first_line(error)
    )

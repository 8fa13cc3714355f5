"""Set one method to as many visual tokens as another: arithmetic on counts by layer."""

from vtw_core.errors import InputError


def withdrawn_mean(k: int, layers: int, visual: int) -> float:
    """Visual tokens that VTW leaves at K, mean over the layers: K v / L."""
    return k * visual / layers


def dropped_share(tokens: float, k: int, layers: int, visual: int) -> float:
    """R of a method that drops the share R of the visual tokens before layer K, as FastV does, so
    that `tokens` of them are left, mean over the layers.

    Solves K v + (L - K)(1 - R) v = L tokens, to whole tokens; what is out of reach becomes the
    nearest in reach (R = 0 or 1).

    Raises:
        InputError: K is not 0 to L - 1, where nothing could be dropped.
    """
    if not 0 <= k < layers:
        raise InputError(
            "K must be 0 to {most}, so that a layer is left, not {k}.", most=layers - 1, k=k
        )
    stay = round((layers * tokens - k * visual) / (layers - k))
    return 1 - min(max(stay, 0), visual) / visual


def drop_at_budget(
    tokens: float, k: int, layers: int, visual: int, least: int = 0
) -> tuple[int, float]:
    """(K, R) of a method that drops the share R before layer K so that `tokens` are left, mean over
    the layers: K as it is, or smaller where its first K layers alone hold more.

    Args:
        least: the smallest K that the method knows.
    """
    k = min(max(k, least), layers - 1)
    while k > least and k * visual > tokens * layers:
        k -= 1
    return k, dropped_share(tokens, k, layers, visual)


def drop_schedule(share: float, k: int, layers: int, visual: int) -> tuple[int, ...]:
    """[L] visual tokens in each layer when the share R leaves before layer K, as FastV rounds."""
    return (visual,) * k + (visual - round(share * visual),) * (layers - k)

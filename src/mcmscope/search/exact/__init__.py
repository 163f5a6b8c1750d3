"""The optimum of a scheme's space, with a proof: or the gap that is left when time is up."""

from mcmscope.search.exact.prove import prove

__all__ = ["prove"]

"""Energy against time: the least energy, the least energy-delay product, and the whole front of both."""

from mcmscope.search.front.front import Front, Point, find_front
from mcmscope.search.front.prove import prove
from mcmscope.search.front.thrifty import thrifty

__all__ = ["Front", "Point", "find_front", "prove", "thrifty"]

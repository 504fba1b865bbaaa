"""What athletes and bystanders wear, and the colours of skin and hair."""

from __future__ import annotations

from dataclasses import dataclass

from kinecue.body.errors import KineCueError
from kinecue.simulation.picture.solids import Colour


@dataclass(frozen=True)
class Outfit:
    """Colours (blue, green, red) and cut.

    Attributes:
        skin, hair, shirt, shorts, stripe, shoes, sole: colours.
        sleeve: length of the sleeve over the length of the upper arm; 0 leaves the shoulders free.
        leg: length of the trouser leg over the length of thigh and shank; 0.25 is mid-thigh, 0.9 the ankle.
        looseness: distance of the cloth from the skin, m.
        ponytail: long hair tied at the back.
    """

    skin: Colour = (142.0, 172.0, 218.0)
    hair: Colour = (28.0, 36.0, 48.0)
    shirt: Colour = (60.0, 50.0, 178.0)
    shorts: Colour = (74.0, 58.0, 46.0)
    stripe: Colour = (225.0, 225.0, 225.0)
    shoes: Colour = (58.0, 52.0, 50.0)
    sole: Colour = (225.0, 228.0, 230.0)
    sleeve: float = 0.55
    leg: float = 0.27
    looseness: float = 0.010
    ponytail: bool = False

    def __post_init__(self) -> None:
        for name in ("skin", "hair", "shirt", "shorts", "stripe", "shoes", "sole"):
            colour = getattr(self, name)
            if len(colour) != 3 or not all(0.0 <= c <= 255.0 for c in colour):
                raise KineCueError(f"outfit: {name} must be blue, green, red of 0 to 255 each, got {colour}")
        for name, low, high in (("sleeve", 0.0, 1.0), ("leg", 0.1, 0.97), ("looseness", 0.004, 0.06)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise KineCueError(f"outfit: {name} must be {low:g} to {high:g}, got {value}")


FAIR: Colour = (160.0, 188.0, 232.0)
LIGHT: Colour = (142.0, 172.0, 218.0)
OLIVE: Colour = (104.0, 142.0, 192.0)
BROWN: Colour = (68.0, 98.0, 148.0)
DARK: Colour = (44.0, 60.0, 92.0)

OUTFITS: dict[str, Outfit] = {
    "training": Outfit(),
    "tank_top": Outfit(
        skin=BROWN, hair=(20.0, 22.0, 26.0), shirt=(52.0, 50.0, 48.0), shorts=(120.0, 70.0, 40.0), sleeve=0.0
    ),
    "leggings": Outfit(
        skin=FAIR,
        hair=(52.0, 92.0, 138.0),
        shirt=(150.0, 110.0, 60.0),
        shorts=(46.0, 40.0, 40.0),
        stripe=(46.0, 40.0, 40.0),
        shoes=(160.0, 110.0, 225.0),
        sleeve=0.15,
        leg=0.93,
        looseness=0.006,
        ponytail=True,
    ),
    "baggy": Outfit(
        skin=OLIVE,
        shirt=(128.0, 130.0, 132.0),
        shorts=(70.0, 72.0, 74.0),
        stripe=(70.0, 72.0, 74.0),
        sleeve=0.95,
        leg=0.92,
        looseness=0.036,
    ),
    "wide_shirt": Outfit(
        skin=DARK,
        hair=(18.0, 18.0, 20.0),
        shirt=(70.0, 150.0, 60.0),
        shorts=(40.0, 38.0, 36.0),
        shoes=(230.0, 230.0, 230.0),
        sleeve=0.75,
        leg=0.48,
        looseness=0.026,
    ),
    "like_the_wall": Outfit(
        skin=FAIR,
        hair=(150.0, 170.0, 185.0),
        shirt=(190.0, 196.0, 200.0),
        shorts=(96.0, 86.0, 78.0),
        stripe=(96.0, 86.0, 78.0),
        shoes=(90.0, 88.0, 86.0),
        sole=(110.0, 110.0, 110.0),
    ),
    "black": Outfit(
        skin=DARK,
        hair=(16.0, 16.0, 18.0),
        shirt=(34.0, 32.0, 32.0),
        shorts=(30.0, 28.0, 28.0),
        stripe=(30.0, 28.0, 28.0),
        shoes=(30.0, 30.0, 30.0),
        sole=(40.0, 40.0, 40.0),
        sleeve=0.98,
        leg=0.94,
        looseness=0.012,
    ),
}
"""Ready-made outfits by name."""

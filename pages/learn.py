"""Learn: a tour of one idea a screen, each with something to move, then examples."""

from ui import tour
from ui.examples import show_examples
from ui.frame import frame

with frame("learn"):
    place = tour.choose_place()
    if place == tour.EXAMPLES:
        show_examples()
    else:
        tour.show_lesson(place)

"""Warm devices get fewer maps: the view keeps its rate, the light follows more slowly."""

from __future__ import annotations

from edge_dce.machine import read_condition

# A Raspberry Pi slows its clock down from 80 °C, phones earlier; ours is the first work that can be left out.
# From hot to warm: °C, and the least seconds between two maps.
CHIP_STEPS = ((80.0, 1.0), (75.0, 0.5), (70.0, 0.2))
# A battery is always cooler, and the hand feels it.
BATTERY_STEPS = ((45.0, 1.0), (42.0, 0.5), (40.0, 0.2))
# Once stepped down it takes so many degrees less to step up again.
_HYSTERESIS_C = 2.0


def read_chip_temperature_c() -> float | None:
    """The processor's sensor, or the hottest of this device, in °C; None where none can be read."""
    return read_condition().temperature_c


class ThermalGovernor:
    """From temperatures to the least time between two maps.

    Attributes:
        interval_s: that time, in seconds; 0 while nothing is too warm.
    """

    def __init__(self, steps: tuple[tuple[float, float], ...] = CHIP_STEPS) -> None:
        self.interval_s = 0.0
        self._steps = steps

    def update(self, temperature_c: float | None) -> float:
        """The least seconds between two maps at a temperature, which None leaves at 0."""
        if temperature_c is None:
            self.interval_s = 0.0
            return 0.0
        hotter = self._find_interval_s(temperature_c)
        # Rising counts at once, falling only when it has fallen far enough.
        self.interval_s = max(hotter, min(self.interval_s, self._find_interval_s(temperature_c + _HYSTERESIS_C)))
        return self.interval_s

    def _find_interval_s(self, temperature_c: float) -> float:
        return next((interval_s for limit_c, interval_s in self._steps if temperature_c >= limit_c), 0.0)

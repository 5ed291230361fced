"""Which figures a plan shows first, by subject: the order of the terminal's screen, of comparisons and of the report."""

Label = tuple[str, str]
"""What is said, and the figure's name."""

GROUPS: tuple[tuple[str, tuple[tuple[Label, ...], ...]], ...] = (
    (
        "Power",
        (
            (
                ("IT at full load", "it_peak_w"),
                ("IT in a year", "it_energy_kwh"),
                ("at the meter", "facility_energy_kwh"),
                ("highest hour", "facility_peak_w"),
            ),
            (("losses", "power_loss_kwh"), ("hottest element at", "hottest_element_ratio"), ("batteries last", "battery_s")),
        ),
    ),
    (
        "Cooling",
        (
            (("PUE", "pue"), ("WUE", "wue_l_per_kwh"), ("cooling", "cooling_energy_kwh"), ("water", "water_m3")),
            (("no compressor", "free_cooling_h"), ("short of capacity", "unmet_cooling_h")),
            (("cooling lost: limit after", "ride_through_s"), ("with fans and pumps on UPS", "ride_through_on_ups_s")),
        ),
    ),
    (
        "Carbon",
        (
            (
                ("location-based", "carbon_location_kgco2e"),
                ("market-based", "carbon_market_kgco2e"),
                ("embodied, a year", "embodied_kgco2e"),
            ),
            (("CUE", "cue_kgco2e_per_kwh"),),
        ),
    ),
    (
        "Cost",
        (
            (("to build", "capital"), ("a year", "cost_per_year")),
            (("an accelerator-hour", "cost_per_installed_hour"), ("a useful one", "cost_per_useful_hour")),
        ),
    ),
)

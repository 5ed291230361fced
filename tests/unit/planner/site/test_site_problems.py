import pytest
from tests.unit.planner.site.conftest import SITES

from datahall.foundation.errors import Missing, Refused
from datahall.planner.site.choose import rank_sites

NORTH, ONE = (
    SITES[SITES.index("  - name: north") : SITES.index("  - name: middle")],
    SITES[SITES.index("  - name: middle") : SITES.index("criteria:")],
)
WEIGHTS, CRITERIA = (
    SITES[SITES.index("weights:") : SITES.index("draws:")],
    SITES[SITES.index("criteria:") : SITES.index("weights:")],
)
LONE = "there is one candidate"
GRID = "{carbon_kgco2e_per_kwh: 0.4}"


@pytest.mark.parametrize(
    ("code", "line", "said", "edits"),
    [
        ("SITE-001", 6, LONE, ((ONE, ""),)),
        ("SITE-001", 6, "there are no candidates", (("candidates:\n" + NORTH + ONE, "candidates: []\n"),)),
        ("SITE-002", 23, "a candidate `north` stands above already", (("name: south", "name: north"),)),
        ("SITE-003", 37, "the weights sum to 0.9, not to 1", (("h: 0.4\n", "h: 0.3\n"),)),
        ("SITE-004", 40, "there is no criterion `puee` to weigh", (("  pue: 0.1", "  puee: 0.1"),)),
        ("SITE-005", 37, "the criterion pue has no weight", (("  pue: 0.1\n", ""),)),
        ("SITE-006", 40, "the weight of pue is -0.1", (("  pue: 0.1", "  pue: -0.1"),)),
        (
            "SITE-007",
            35,
            "cue_kgco2e_per_kwh is a criterion already",
            (("  - {measure: rtt_s}", "  - {measure: cue_kgco2e_per_kwh}\n  - {measure: rtt_s}"),),
        ),
        ("SITE-008", 15, "`middle` has no figure for power_headroom_ratio", (("    power_available_w: 4 kW\n", ""),)),
        (
            "SITE-010",
            19,
            "the variable HOME may not be used",
            ((GRID, "{carbon_kgco2e_per_kwh: {file: '${HOME}/x.csv', column: c}}"),),
        ),
        ("SITE-012", 19, "there is no such file", ((GRID, "{carbon_kgco2e_per_kwh: {file: nowhere.csv, column: c}}"),)),
        ("SITE-014", 20, "the amount is in NOK, but the hall counts in USD", (("0.10 EUR", "1.20 NOK"),)),
        (
            "SPEC-001",
            21,
            "unknown field `sight`",
            (("    power_available_w: 4 kW", "    sight: x\n    power_available_w: 4 kW"),),
        ),
        ("SPEC-003", 34, "", (("{measure: pue}", "{measure: pui}"),)),
        ("SPEC-003", 40, "valid number", (("  pue: 0.1", "  pue: much"),)),
        ("SPEC-003", 37, "weights are `equal`, `entropy`", ((WEIGHTS, "weights: equals\n"),)),
        ("SITE-015", 31, "there are no criteria", ((CRITERIA, "criteria: []\n"),)),
        ("DOC-001", 3, "there is no such file", (("hall: hall.yaml", "hall: halle.yaml"),)),
        ("SPEC-003", 17, "less than or equal to 90", (("latitude_deg: 50", "latitude_deg: 150"),)),
    ],
)
def test_one_fault_is_one_problem(choose, code, line, said, edits):
    """Given one planted fault, exactly one problem names it, on its line of the candidates file."""
    with pytest.raises(Refused, match=code) as caught:
        choose(*edits)
    [problem] = caught.value.problems
    assert problem.code == code
    assert said in problem.what
    assert f"sites.yaml:{line}" in problem.where, str(problem)
    assert problem.fix


def test_a_figure_that_no_site_has_is_told_at_the_criterion(file, choose):
    """Given build cost as a criterion, and no build cost anywhere, that is told once and not for each site."""
    hall = file.parent / "hall.yaml"
    hall.write_text(hall.read_text().replace("  build_per_critical_w: 10\n", ""))
    with pytest.raises(Refused, match="SITE-008") as caught:
        choose(("  - {measure: pue}", "  - {measure: build_per_critical_w}"), ("  pue:", "  build_per_critical_w:"))
    [problem] = caught.value.problems
    assert "no site has a figure for build_per_critical_w" in problem.what
    assert "sites.yaml:34 criteria[2]" in problem.where


def test_all_faults_are_told_in_one_run(choose):
    """Given six faults of six kinds, one run tells all six, in the order of the file."""
    with pytest.raises(Refused, match="SITE-002") as caught:
        choose(
            ("latitude_deg: 60", "latitude_deg: 600"),
            (GRID, "{carbon_kgco2e_per_kwh: {file: nowhere.csv, column: c}}"),
            ("0.10 EUR", "1.20 NOK"),
            ("name: south", "name: middle"),
            ("measure: rtt_s", "measure: rtt_ms"),
            ("  pue: 0.1", "  pue: -0.1"),
        )
    assert [p.code for p in caught.value.problems] == ["SPEC-003", "SITE-012", "SITE-014", "SITE-002", "SPEC-003", "SITE-006"]


def test_a_faulty_hall_is_told_at_its_own_lines(file, choose):
    """Given a hall file with an unknown field, the problem is the hall's, and only that one."""
    hall = file.parent / "hall.yaml"
    hall.write_text(hall.read_text().replace("name: small", "name: small\nnaem: x"))
    with pytest.raises(Refused, match="SPEC-001") as caught:
        choose()
    [problem] = caught.value.problems
    assert "hall.yaml:3" in problem.where


def test_a_missing_file_has_near_names(file):
    """Given a candidates file that is not there, the one beside it is named."""
    with pytest.raises(Missing, match=r"DOC-001.*near: sites\.yaml"):
        rank_sites(file.with_name("site.yaml"))


def test_unknown_regions_and_files_are_told_with_near_names(file, choose):
    """Given an hourly file without the region, and one that is not there with a region that the means lack, both are told."""
    (file.parent / "carbon.csv").write_text("region,c\n" + "SG,0.4\n" * 8760)
    (file.parent / "climate.csv").write_text("region,quantity,month," + ",".join(f"h{h:02}" for h in range(24)) + "\n")
    (file.parent / "annual.csv").write_text("region,carbon_kgco2e_per_kwh,price_per_kwh\nmidway,0.1,0.1\n")
    means = "means: {climate: climate.csv, annual: annual.csv, source: a test file}\n"
    with pytest.raises(Refused, match="INF-302") as caught:
        choose(
            (GRID, "{carbon_kgco2e_per_kwh: {file: nowhere.csv, column: c}}"),
            ("{carbon_kgco2e_per_kwh: 0.5}", "{carbon_kgco2e_per_kwh: {file: carbon.csv, column: c, only: {region: SGP}}}"),
            ("candidates:", means + "candidates:"),
        )
    lacking, region = caught.value.problems
    assert (lacking.code, region.code) == ("SITE-013", "INF-302")
    assert "no `middle`" in lacking.what
    assert "midway" in lacking.fix
    assert "`SGP`" in region.what
    assert "SG" in region.fix
    assert "sites.yaml:28" in region.where


def test_grams_of_a_candidate_are_refused_at_their_line(file, choose):
    """Given a candidate whose hourly carbon is in grams without a scale, the first row is the one problem."""
    (file.parent / "carbon.csv").write_text("c\n" + "323\n" * 8760)
    with pytest.raises(Refused, match=r"carbon\.csv:2: INF-304 `c` is `323`.*plausible is 0 to 3") as caught:
        choose((GRID, "{carbon_kgco2e_per_kwh: {file: carbon.csv, column: c}}"))
    assert len(caught.value.problems) == 1


def test_means_from_elsewhere_are_not_repeated(file, choose):
    """Given means outside the candidates' folder that are none, columns that they lack are told, but none that they have."""
    elsewhere = file.parent.parent / "elsewhere.csv"
    elsewhere.write_text("hunter2,swordfish\n1,2\n")
    means = "means: {climate: ../elsewhere.csv, annual: ../elsewhere.csv, source: a test file}\n"
    with pytest.raises(Refused, match="INF-302") as caught:
        choose(("candidates:", means + "candidates:"))
    assert "hunter2" not in str(caught.value) and "swordfish" not in str(caught.value)

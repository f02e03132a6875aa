"""The CSV files of bed management, staffing and appointments."""

from __future__ import annotations

from collections.abc import Iterable

from trivet.testing.hospital.almanac import Almanac
from trivet.testing.hospital.tables import Ward
from trivet.testing.hospital.wardtime import WardTime

__all__ = ["APPOINTMENTS", "BEDS", "STAFFING", "staffing_rows"]

BEDS = b"stay_id,mrn,visit_no,site,ward,room,bed,from_time,to_time\n"
STAFFING = b"shift_id,site,ward,shift,shift_start,shift_end,beds_open,beds_taken,rn_required,rn_present\n"
APPOINTMENTS = b"appointment_id,mrn,site,clinic,booked_on,scheduled_for,until,status\n"


def staffing_rows(wards: Iterable[Ward], day: int, shifts: WardTime, almanac: Almanac) -> list[bytes]:
    """Two rows for each ward, as counted on the morning of one local day: the night that is over and the day that begins."""
    rows = []
    before, start, end = almanac.at(day - 1, 19), almanac.at(day, 7), almanac.at(day, 19)
    for ward in wards:
        for night, first, last in ((True, before, start), (False, start, end)):
            shift = shifts.shift(ward.site, ward.code, day - night, night)
            date = almanac.text(first, "%Y-%m-%d")
            rows.append(
                f"{ward.site}-{ward.code}-{date}-{'N' if night else 'D'},{ward.site},{ward.code},{'night' if night else 'day'},"
                f"{almanac.text(first, '%Y-%m-%d %H:%M')},{almanac.text(last, '%Y-%m-%d %H:%M')},"
                f"{shift.beds},{shift.taken},{shift.needed},{shift.present}\n".encode()
            )
    return rows

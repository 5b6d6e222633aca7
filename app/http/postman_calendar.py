"""The requests of the Postman collection about what happens when: a window of it, and files for calendar programs."""

from app.http.postman_parts import Doc, Step, equals, folder, named
from app.http.postman_records import Flow
from app.services.calendar import MOST


def calendar(flow: Flow) -> Doc:
    """Look at a window, and fetch the files."""
    window = {"from": "2026-03-01", "to": "2026-03-31"}
    within = {"each is in the window": 'body.data.forEach((one) => pm.expect(one.occurrence).to.be.an("object"));'}
    is_calendar = {"it is a calendar": 'pm.expect(pm.response.text()).to.include("BEGIN:VCALENDAR");'}
    refused = {"the code is for programs": equals("body.code", "invalid"), **named("to")}
    steps: list[tuple[str, Step]] = [
        ("list{1}", Step("What happens in March", 200, query=window, checks=within)),
        ("list{1}", Step("A window without an end", 400, query={"from": "2026-03-01"}, checks=refused)),
        ("export{1}", Step("All as a file", 200, checks=is_calendar)),
        ("export{0}", Step("One as a file", 200, ids={"record_id": flow.variable("Id")}, checks=is_calendar)),
    ]
    about = f"What happens in a window, at most {MOST} times, and iCalendar files (RFC 5545)."
    return folder(f"{flow.many}: calendar", about, [flow.request(verb, step) for verb, step in steps])

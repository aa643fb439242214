// Shows each moment in the reader's own zone; without this script it stays in UTC. What the server
// wrote remains in the title, because logs and other people speak of UTC.
"use strict";

const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const CLOCK = new Intl.DateTimeFormat("en-GB", clock);
const CLOCK_AND_ZONE = new Intl.DateTimeFormat("en-GB", { ...clock, timeZoneName: "short" });
// Swedish writes a day as 2026-11-21.
const DAY = new Intl.DateTimeFormat("sv-SE");

function zoned(moment) {
  return `${DAY.format(moment)} ${CLOCK_AND_ZONE.format(moment)}`;
}

function show(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const whole = time.textContent.trim().endsWith("UTC");
    time.title = time.textContent.trim() + (whole ? "" : " UTC");
    time.textContent = whole ? zoned(moment) : CLOCK.format(moment);
  }
  for (const note of root.querySelectorAll("[data-zone]")) note.textContent = "Times in your zone.";
}

document.addEventListener("DOMContentLoaded", () => show(document));
document.addEventListener("htmx:load", (event) => show(event.target.parentNode || document));

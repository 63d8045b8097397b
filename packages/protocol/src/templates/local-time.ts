/** Days and times of day without a zone, as `datetime` actions and forms use them. All of one kind sort as texts. */

const dateExpression = /^(\d{4})-(\d{2})-(\d{2})$/;
const timeExpression = /^(\d{2}):(\d{2})$/;
const daysOfMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

export type LocalTimeMode = "date" | "time" | "datetime";

/** How one is written, for sentences. */
export const localTimeExamples: Readonly<Record<LocalTimeMode, string>> = { date: "2026-03-01", time: "09:30", datetime: "2026-03-01T09:30" };

/** True for a day of the calendar (no 30th of February), a time from 00:00 to 23:59, or both with a `T` between. */
export function isLocalTime(mode: LocalTimeMode, text: string): boolean {
  switch (mode) {
    case "date":
      return isDate(text);
    case "time":
      return isTime(text);
    case "datetime":
      return text[10] === "T" && isDate(text.slice(0, 10)) && isTime(text.slice(11));
  }
}

function isDate(text: string): boolean {
  const [, year, month, day] = dateExpression.exec(text)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return false;
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 && isLeap ? 29 : daysOfMonth[month - 1];
  return days !== undefined && day >= 1 && day <= days;
}

function isTime(text: string): boolean {
  const [, hour, minute] = timeExpression.exec(text)?.map(Number) ?? [];
  return hour !== undefined && minute !== undefined && hour < 24 && minute < 60;
}

/** The form of `/form`: a field of every kind. */
import type { MessageBody } from "@suda/protocol";
import type { Language } from "./language.ts";

export function demoForm(language: Language): MessageBody {
  const isKorean = language === "ko";
  const label = (ko: string, en: string): string => (isKorean ? ko : en);
  return {
    content: {
      type: "form",
      title: label("체험 수업 신청", "Book a trial lesson"),
      fields: [
        { id: "name", kind: "text", label: label("이름", "Name"), required: true, maxLength: 40 },
        { id: "email", kind: "email", label: label("이메일", "E-mail") },
        {
          id: "grade",
          kind: "select",
          label: label("학년", "Grade"),
          required: true,
          options: [
            { value: "m1", label: label("중1", "7th") },
            { value: "m2", label: label("중2", "8th") },
          ],
        },
        {
          id: "subjects",
          kind: "multiselect",
          label: label("과목", "Subjects"),
          options: [
            { value: "math", label: label("수학", "Mathematics") },
            { value: "english", label: label("영어", "English") },
          ],
        },
        { id: "children", kind: "number", label: label("자녀 수", "Children") },
        { id: "day", kind: "date", label: label("원하는 날", "Day") },
        { id: "time", kind: "time", label: label("원하는 시간", "Time") },
        { id: "note", kind: "textarea", label: label("하고 싶은 말", "Anything else"), maxLength: 120 },
        { id: "agree", kind: "checkbox", label: label("저장에 동의해요", "I agree that this is stored"), required: true },
      ],
      submitLabel: label("신청하기", "Book"),
      once: true,
    },
    altText: label("체험 수업 신청서", "A form: book a trial lesson"),
  };
}

/** Texts about the list of sessions, in Arabic. */
import type { Messages } from "../messages";
import { isolated } from "../isolated";
import { plural } from "../plural";

const count = plural("ar");

export const sessions: Messages["sessions"] = {
  title: "الجلسات",
  list: "جلساتك",
  untitled: "جلسة جديدة",
  new: "جلسة جديدة",
  search: "ابحث في جلساتك",
  clearSearch: "مسح البحث",
  ages: {
    today: "اليوم",
    yesterday: "أمس",
    week: "آخر 7 أيام",
    month: "آخر 30 يومًا",
    older: "سابقًا",
  },
  unread: "إجابة جديدة",
  answering: "يجيب الآن…",
  none: "لا جلسات بعد",
  noneText: "سؤالك الأول يبدأ جلسة.",
  nothingFound: "لا نتائج",
  nothingFoundText: (query) => `لا توجد جلسة فيها «${isolated(query)}».`,
  similarWords: (words) => `لا نتائج لهذه الكلمات نفسها. كلمات مشابهة: ${words.join("، ")}`,
  inMessages: "في المحادثات",
  searching: "جارٍ البحث…",
  searchFailed: "لم ينجح البحث. يجري البحث في الأسماء والمقتطفات.",
  found: (results) =>
    count(results, {
      zero: "لا نتائج",
      one: "نتيجة واحدة",
      two: "نتيجتان",
      few: "# نتائج",
      other: "# نتيجة",
    }),
  more: "إظهار المزيد",
  actions: (title) => `المزيد عن ${title}`,
  rename: "إعادة تسمية",
  details: "التفاصيل",
  newName: "الاسم الجديد",
  deleted: (title) => `حُذفت «${isolated(title)}».`,
  continue: "متابعة",
  viewHistory: "عرض السجل",
  mode: "الوضع",
  modes: { fun: "مرح", learn: "تعلّم" },
  language: "اللغة",
  messages: "الرسائل",
  created: "بدأت",
  updated: "آخر تغيير",
};

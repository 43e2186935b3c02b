/** Texts of a conversation, in Arabic. */
import type { Messages } from "../messages";
import { plural } from "../plural";

const count = plural("ar");

export const chat: Messages["chat"] = {
  messages: "الرسائل",
  you: "أنت",
  tutor: "المعلّم",
  earlier: "الرسائل السابقة في الطريق…",
  earlierLater: "تظهر الرسائل السابقة حين يعود الاتصال.",
  notKept: "هذه الجلسة غير محفوظة على هذا الجهاز. ستظهر عند عودة الاتصال.",
  earlierFailed: "تعذّر جلب الرسائل السابقة.",
  notFound: "الرسالة التي تبحث عنها لم تعد في هذه المحادثة.",

  write: "رسالة إلى المعلّم",
  placeholder: "اسأل، أو قل ما تفكّر فيه…",
  placeholderBusy: "تابع أسئلتك: يجيب المعلّم عنها واحدًا بعد الآخر…",
  send: "إرسال",
  stop: "إيقاف",
  stopHint: "إيقاف الإجابة (Esc)",
  picture: "انظر إلى هذه الصورة من فضلك.",
  recording: "استمع إلى هذا التسجيل من فضلك.",
  count: (length, limit) => `${length} من ${limit} حرف`,
  tooLong: (over) =>
    `النص أطول من المسموح ${count(over, { one: "بحرف واحد", two: "بحرفين", few: "بـ# أحرف", many: "بـ# حرفًا", other: "بـ# حرف" })}. إنه محفوظ هنا: اختصره أو أرسله على أجزاء.`,

  sending: "جارٍ الإرسال…",
  queued: "تُرسل حين يعود الاتصال",
  postponed: "الخادم مشغول. تُرسل مجددًا من تلقاء نفسها.",
  failed: "لم تُرسل.",
  failedOutOfSight: "لم تُرسل إحدى رسائلك.",
  show: "إظهارها",
  again: "حاول مجددًا",
  mediaGone: "الصورة أو التسجيل المرافق لها لم يعد موجودًا.",
  sendWithout: "أرسلها بدونه",
  takeBack: "إعادة إلى حقل الكتابة",
  thinking: "يفكّر…",
  waiting: "تأتي بعد التي قبلها",
  stopped: "أُوقفت هذه الإجابة.",
  truncated: "قُطعت الإجابة لأنها طالت كثيرًا.",
  broken: "لم يتمكّن المعلّم من الإجابة.",
  regenerate: "إجابة جديدة",

  actions: "ما يمكن فعله بهذه الرسالة",
  copy: "نسخ",
  copied: "نُسخت",
  edit: "تعديل",
  editing: "عدّل رسالتك",
  save: "حفظ",
  saveAndAsk: "حفظ وإجابة جديدة",
  cancel: "إلغاء",
  delete: "حذف",
  deleted: "حُذفت الرسالة.",
  undo: "تراجع",

  latest: "إلى الأحدث",
  newMessages: (messages) =>
    count(messages, {
      zero: "لا رسائل جديدة",
      one: "رسالة جديدة",
      two: "رسالتان جديدتان",
      few: "# رسائل جديدة",
      many: "# رسالة جديدة",
      other: "# رسالة جديدة",
    }),
  typingOn: (names) => `تجري الكتابة على ${names}…`,

  answering: "المعلّم يجيب.",
  answered: (text) => `المعلّم: ${text}`,
  answerStopped: (text) => `توقّفت الإجابة. المعلّم: ${text}`,

  mode: "كيف يجيب المعلّم",
  fun: "مرح",
  learn: "تعلّم",
  funMeans: "بمرح: قصص ومفاجآت وأمثلة.",
  learnMeans: "بتعمّق: خطوة بخطوة، مع أسئلة لك.",
  language: "لغة المعلّم",

  dismiss: "إغلاق",
  lost: "انقطع الاتصال قبل وصول الرد. تحقّق مما إذا تمّ الأمر قبل أن تحاول مجددًا.",
  occupied: "في حقل الكتابة صورة أو صوت آخر. أرسله أو أزله ليتسع لهذه الرسالة.",
  full: (limit) =>
    `${count(limit, { one: "ينتظر المعلّم سؤال واحد", two: "ينتظر المعلّم سؤالان", few: "تنتظر المعلّم # أسئلة", many: "ينتظر المعلّم # سؤالًا", other: "ينتظر المعلّم # سؤال" })} بالفعل. نصّك محفوظ: أرسله بعد الإجابة التالية، أو أوقف إحداها.`,
};

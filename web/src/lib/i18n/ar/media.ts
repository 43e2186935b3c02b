/** Texts about pictures and sounds, in Arabic. */
import type { Messages } from "../messages";

export const media: Messages["media"] = {
  attach: "إضافة صورة أو صوت: واحد من كل منهما",
  attachments: "مرفقات الرسالة",
  sending: (name) => `جارٍ إرسال ${name}`,
  cancelNamed: (name) => `إلغاء ${name}`,
  waits: {
    recording: "يجري تسجيل صوتك. احتفظ بالتسجيل أو تجاهله، ثم أرسل.",
    arrival: "الملف ما زال في الطريق. أرسل حالما يصل.",
    decision: "لم يصل أحد الملفات. حاول مرة أخرى أو أزله، ثم أرسل.",
  },
  remove: "إزالة",
  removeNamed: (name) => `إزالة ${name}`,
  loading: "في الطريق…",

  picture: "صورة",
  enlarge: (name) => `${name}: عرض مكبَّر`,
  pictureMissing: "لا يمكن عرض الصورة الآن.",
  recording: "تسجيل",
  soundMissing: "لا يمكن تشغيل التسجيل الآن.",
  play: "تشغيل",
  pause: "إيقاف مؤقت",
  position: "الموضع",
  speed: (speed) => `السرعة: ${speed} مرة`,

  writeDown: "تدوين",
  writing: "جارٍ التدوين…",
  nothingSaid: "لم يُسمع فيه شيء.",
  notWritten: {
    not_offered: "هذا المعلّم لا يستطيع تدوين التسجيلات.",
    provider_failed: "لم ينجح ذلك. حاول مجددًا بعد قليل.",
    lost: "لم يصل جواب. حاول مجددًا عند عودة الاتصال.",
  },

  record: "تسجيل صوتك",
  recordingNow: "جارٍ التسجيل",
  keep: "الاحتفاظ بالتسجيل",
  discard: "تجاهل التسجيل",
  microphone: {
    unsupported: "لا يستطيع هذا المتصفح التسجيل هنا. يمكنك إضافة تسجيل كملف.",
    refused: "الميكروفون محظور. اسمح به لهذه الصفحة في المتصفح ثم حاول مجددًا.",
    missing: "لم يُعثر على ميكروفون. صِل واحدًا ثم حاول مجددًا.",
    broken: "لا يمكن استعمال الميكروفون الآن. ربما يستعمله برنامج آخر.",
  },

  readAloud: "قراءة بصوت عالٍ",
  stopReading: "إيقاف القراءة",

  refused: {
    one_of_each: "ترافق الرسالةَ صورة واحدة وصوت واحد. أرسل هذا الملف مع الرسالة التالية.",
    empty: "هذا الملف فارغ.",
    unsupported_media_type:
      "هذا النوع من الملفات غير مقبول. المقبول: الصور (PNG وJPEG وWebP وGIF) والأصوات (MP3 وM4A وOGG وWebM وWAV).",
    too_large: "الحد الأقصى للصور والأصوات 10 ميغابايت، وهذا الملف أكبر.",
    image_too_large: "في الصورة عدد كبير جدًا من البكسلات. صغّرها ثم حاول مجددًا.",
    audio_too_long: "التسجيل طويل جدًا: الحد الأقصى عشر دقائق.",
    quota_exceeded: "ملفاتك لا تترك مكانًا لهذا الملف.",
    not_offered: "لا تُقبل الملفات هنا.",
    lost: "انقطع الاتصال. حاول مجددًا.",
  },
};

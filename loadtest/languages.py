"""What is said where nobody gave a corpus: sentences of our own in six languages, code and mathematics.

A text is made of pieces. Each begins and ends between words, so that the words of a text are those of its pieces.
"""

from random import Random

from msgspec import Struct

SYMBOLS_CHANCE = 0.12
"""That an answer shows code or a formula."""
OPENING_CHANCE = 0.4
"""That a text begins with a name and a number, which few others have."""
PASTED_CHANCE = 0.02
"""That a question is a long one: somebody has pasted what they read."""


class Language(Struct, frozen=True, kw_only=True):
    """How one language is spoken. In a template {a} and {b} are terms, {name} is somebody and {number} is a number.

    `gap` is what stands between two sentences.
    """

    code: str
    gap: str
    syllables: tuple[str, ...]
    terms: tuple[str, ...]
    openings: tuple[str, ...]
    questions: tuple[str, ...]
    sentences: tuple[str, ...]

    def question(self, chance: Random) -> list[str]:
        """The pieces of what a learner asks: mostly a line, of 20 to 200 letters."""
        pieces = [self._opening(chance)] if chance.random() < OPENING_CHANCE else []
        if chance.random() < PASTED_CHANCE:
            pieces += self._said(chance, _count(chance, 12.0))
        return [*pieces, self._filled(chance, self.questions[int(len(self.questions) * chance.random())])]

    def answer(self, chance: Random) -> list[str]:
        """The pieces of what a tutor answers: a few sentences, seldom pages."""
        pieces = [self._opening(chance)] if chance.random() < OPENING_CHANCE else []
        pieces += self._said(chance, _count(chance, 5.0))
        if chance.random() < SYMBOLS_CHANCE:
            pieces.insert(chance.randrange(len(pieces)) + 1, _symbols(chance))
        return pieces

    def _said(self, chance: Random, count: int) -> list[str]:
        """So many sentences that follow each other: none comes twice in a row."""
        begin, many = int(len(self.sentences) * chance.random()), len(self.sentences)
        return [self._filled(chance, self.sentences[each % many]) for each in range(begin, begin + count)]

    def _filled(self, chance: Random, template: str) -> str:
        return (
            template.format(a=_often_the_first(chance, self.terms), b=_often_the_first(chance, self.terms)) + self.gap
        )

    def _opening(self, chance: Random) -> str:
        name = "".join(self.syllables[int(len(self.syllables) * chance.random())] for _ in range(3))
        template = self.openings[int(len(self.openings) * chance.random())]
        return template.format(name=name.capitalize(), number=_number(chance)) + self.gap


def _count(chance: Random, median: float) -> int:
    """Of sentences: half of them are more, one in a hundred is six times as many."""
    return max(1, min(60, round(chance.lognormvariate(0, 0.8) * median)))


def _number(chance: Random) -> int:
    """Small ones more often."""
    return int(10 ** (1 + 5 * chance.random()))


def _often_the_first(chance: Random, terms: tuple[str, ...]) -> str:
    return terms[int(len(terms) * chance.random() ** 2)]


def _apart(syllables: str) -> tuple[str, ...]:
    return tuple(syllables.split())


def _symbols(chance: Random) -> str:
    return f"\n\n{SYMBOLS[int(len(SYMBOLS) * chance.random())].replace('§', str(chance.randrange(2, 100)))}\n\n"


ENGLISH = Language(
    code="en",
    gap=" ",
    syllables=_apart("ka mi ro len dar sha vin tor el bri no gan wes ley ford ham per sin ol mark ray dun fal cor"),
    terms=(
        *("fractions", "the area of a circle", "photosynthesis", "the past tense", "a loop", "negative numbers"),
        *("percentages", "the water cycle", "Newton's second law", "recursion", "the French Revolution", "chords"),
        *("linear equations", "a balanced diet", "electric current", "the subjunctive", "prime numbers", "volcanoes"),
        *("probability", "the nervous system", "a list of lists", "quadratic functions", "supply and demand", "rhythm"),
        *("the periodic table", "plate tectonics", "binary search", "the median", "irony", "derivatives", "enzymes"),
        *("the Roman senate", "friction", "vectors", "the ozone layer", "perspective", "hash tables", "metaphors"),
        *("mitosis", "logarithms", "inflation", "the moon's phases", "syntax errors", "integrals", "glaciers"),
        *("osmosis", "matrices", "the Silk Road", "acids and bases", "standard deviation", "sonnets", "isotopes"),
    ),
    openings=("Exercise {number}, for {name}:", "Hi, this is {name}, page {number}.", "{name} got {number} here."),
    questions=(
        *("What is {a}?", "Can you explain {a} once more?", "How does {a} have to do with {b}?", "Why do we need {a}?"),
        *("I still don't understand {a}.", "Is my answer about {a} correct?", "Could you give me an example of {a}?"),
        *("What is the difference between {a} and {b}?", "My teacher says {a} is easy, but I am lost.", "And then?"),
        *(
            "Quiz me on {a}, please.",
            "How would I use {a} in real life?",
            "Give me a hint, not the solution.",
            "Thanks!",
        ),
    ),
    sentences=(
        *("Good question, let us look at {a} step by step.", "Think of {a} as something you already know from {b}."),
        *("First write down everything that the task tells you about {a}.", "What do you think happens next?"),
        *("You are on the right track, only the sign is wrong.", "Most mistakes with {a} come from hurrying."),
        *("Remember that {a} and {b} are not the same thing.", "Let us check this with a smaller number."),
        *("Imagine that you had to explain {a} to a younger friend.", "In other words, both sides must stay equal."),
        *("Now compare it with {b} and tell me what has changed.", "Well done, that is exactly how it works."),
        *("Before we go on, try to say in your own words what {a} means.", "Here the order of the steps matters."),
        *("People have used {a} for hundreds of years without knowing why it works.", "Take your time."),
    ),
)
GERMAN = Language(
    code="de",
    gap=" ",
    syllables=_apart("an ber fried hel ke lin mar nor ol ru sig tel ul wal zim mer stein bach hof brün groß schö"),
    terms=(
        *("die Bruchrechnung", "der Wasserkreislauf", "die Photosynthese", "der Konjunktiv", "die Wahrscheinlichkeit"),
        *("das Ohmsche Gesetz", "die Rechtschreibung", "der Dreisatz", "die Französische Revolution", "die Steigung"),
        *("das Periodensystem", "die Zellteilung", "der Flächeninhalt", "die Schleife", "das Grundgesetz", "die Größe"),
        *("der Satz des Pythagoras", "die Prozentrechnung", "die Völkerwanderung", "der Kehrwert", "die Reibung"),
        *("die Nullstelle", "das Passiv", "die Inflation", "der Logarithmus", "die Gleichung", "die Säure", "der Reim"),
        *("die Plattentektonik", "der Median", "die Ableitung", "das Sonnensystem", "der Vektor", "die Metapher"),
    ),
    openings=("Aufgabe {number}, von {name}:", "Hier ist {name}, Seite {number}.", "{name} hat {number} heraus."),
    questions=(
        *("Was bedeutet {a}?", "Kannst du mir bitte {a} noch einmal erklären?", "Wozu braucht man eigentlich {a}?"),
        *("Was hat {a} mit {b} zu tun?", "Ich verstehe {a} immer noch nicht.", "Stimmt meine Lösung?"),
        *("Gib mir bitte ein Beispiel.", "Wie merke ich mir {a} am besten?", "Und wie geht es dann weiter?", "Danke!"),
    ),
    sentences=(
        *(
            "Gute Frage, wir schauen uns {a} Schritt für Schritt an.",
            "Überlege zuerst, was gegeben und was gesucht ist.",
        ),
        *("Du bist auf dem richtigen Weg, nur das Vorzeichen stimmt noch nicht.", "Denk dabei auch an {b}."),
        *("Die meisten Fehler entstehen, weil {a} und {b} verwechselt werden.", "Was fällt dir dabei auf?"),
        *("Rechne es einmal mit einer kleineren Zahl nach.", "Genau so ist es, sehr schön!", "Lass dir ruhig Zeit."),
        *("Stell dir vor, du müsstest {a} deinem kleinen Bruder erklären.", "Auf beiden Seiten muss dasselbe stehen."),
        *("Schreibe in eigenen Worten auf, was {a} für dich heißt.", "Hier kommt es auf die Reihenfolge an."),
    ),
)
SPANISH = Language(
    code="es",
    gap=" ",
    syllables=_apart("ma ri lu cí del gar cía ro drí guez san tos pe ña íñi go bel tra el vi ra mún"),
    terms=(
        *("las fracciones", "la fotosíntesis", "el subjuntivo", "los números primos", "el ciclo del agua"),
        *("la ley de Ohm", "los porcentajes", "la Revolución francesa", "el área del círculo", "las ecuaciones"),
        *("el sistema nervioso", "la probabilidad", "los volcanes", "el pretérito", "la energía", "los vectores"),
        *("la tabla periódica", "un bucle", "la pendiente", "el año bisiesto", "la metáfora", "la célula", "el imán"),
        *("la derivada", "el Siglo de Oro", "la oferta y la demanda", "los logaritmos", "la mediana", "el pingüino"),
    ),
    openings=("Ejercicio {number}, de {name}:", "Soy {name}, página {number}.", "A {name} le da {number}."),
    questions=(
        *("¿Qué es {a}?", "¿Me puedes explicar otra vez {a}?", "¿Para qué sirve {a}?", "No entiendo bien {a}."),
        *("¿Qué relación hay entre {a} y {b}?", "¿Está bien mi respuesta?", "¿Me das un ejemplo?", "¡Gracias!"),
        *("¿Cómo se usa {a} en la vida real?", "Prefiero una pista, no la solución.", "¿Y después qué hago?"),
    ),
    sentences=(
        *("Buena pregunta, veamos {a} paso a paso.", "Primero escribe todo lo que el problema dice sobre {a}."),
        *("Vas por buen camino, solo falta cambiar el signo.", "Fíjate en que {a} y {b} no son lo mismo."),
        *(
            "¿Qué crees que pasará ahora?",
            "Comprobémoslo con un número más pequeño.",
            "Muy bien, así es como funciona.",
        ),
        *("Imagina que tienes que explicarle {a} a un amigo.", "Compáralo con {b} y dime qué ha cambiado."),
        *("La mayoría de los errores con {a} vienen de las prisas.", "Aquí importa el orden.", "Tómate tu tiempo."),
    ),
)
ARABIC = Language(
    code="ar",
    gap=" ",
    syllables=_apart("سا لي نو رم حم دا يا سر كر يم فا طم زي نب هش ام عب لط"),
    terms=(
        *("الكسور", "دورة الماء", "البناء الضوئي", "الفعل الماضي", "الأعداد الأولية", "النسبة المئوية", "المعادلات"),
        *("قانون نيوتن", "مساحة الدائرة", "الجملة الاسمية", "التيار الكهربائي", "الاحتمالات", "الجهاز العصبي"),
        *("الجدول الدوري", "الاستعارة", "البراكين", "المتجهات", "التاريخ القديم", "الخلية", "الاحتكاك", "الوسيط"),
        *("العرض والطلب", "اللوغاريتمات", "الشعر الجاهلي", "المثلثات", "الطاقة", "الكواكب", "الحلقات التكرارية"),
    ),
    openings=("التمرين {number} من {name}:", "أنا {name}، الصفحة {number}.", "حصل {name} على {number}."),
    questions=(
        *("ما هي {a}؟", "هل يمكنك شرح {a} مرة أخرى؟", "ما العلاقة بين {a} و{b}؟", "لماذا نحتاج إلى {a}؟"),
        *("لم أفهم {a} جيدا.", "هل جوابي صحيح؟", "أعطني مثالا من فضلك.", "وماذا بعد ذلك؟", "شكرا جزيلا!"),
    ),
    sentences=(
        *("سؤال جيد، لننظر إلى {a} خطوة بخطوة.", "اكتب أولا كل ما تعرفه عن {a}.", "ماذا تظن أنه سيحدث الآن؟"),
        *("أنت على الطريق الصحيح، لكن الإشارة خاطئة.", "تذكر أن {a} تختلف عن {b}.", "أحسنت، هكذا تماما."),
        *("لنتحقق من ذلك بعدد أصغر.", "تخيل أنك تشرح {a} لصديقك.", "قارنها مع {b} وأخبرني ما الذي تغير."),
        *("معظم الأخطاء تأتي من العجلة.", "الترتيب مهم هنا.", "خذ وقتك في التفكير.", "قل لي بكلماتك ما معنى {a}."),
    ),
)
CHINESE = Language(
    code="zh",
    gap="",
    syllables=tuple("王李张刘陈杨黄赵吴周明华丽强伟芳娜静磊洋敏军杰涛超霞平刚桂英"),
    terms=(
        *(
            "分数",
            "圆的面积",
            "光合作用",
            "过去时",
            "循环语句",
            "负数",
            "百分比",
            "水循环",
            "牛顿第二定律",
            "递归",
            "质数",
        ),
        *("一元二次方程", "电流", "概率", "神经系统", "元素周期表", "板块构造", "二分查找", "中位数", "导数", "摩擦力"),
        *("向量", "比喻", "有丝分裂", "对数", "通货膨胀", "月相", "唐诗", "丝绸之路", "酸和碱", "标准差", "供给与需求"),
    ),
    openings=("第{number}题,{name}问:", "我是{name},在第{number}页。", "{name}算出来是{number}。"),
    questions=(
        *("什么是{a}?", "你能再解释一下{a}吗?", "{a}和{b}有什么关系?", "为什么要学{a}?", "我还是不明白{a}。"),
        *("我的答案对吗?", "可以举一个例子吗?", "请给我一点提示,不要直接说答案。", "然后呢?", "谢谢老师!"),
    ),
    sentences=(
        *("问得好,我们一步一步来看{a}。", "先把题目中关于{a}的条件都写下来。", "你觉得接下来会发生什么?"),
        *("思路是对的,只是符号写错了。", "注意{a}和{b}并不是一回事。", "我们用一个小一点的数来检验。"),
        *("想象一下你要把{a}讲给弟弟听。", "再和{b}比较一下,看看哪里变了。", "很好,就是这样。", "不用着急。"),
        *("大多数错误都是因为太着急。", "这里步骤的顺序很重要。", "请用自己的话说说{a}是什么意思。"),
    ),
)
JAPANESE = Language(
    code="ja",
    gap="",
    syllables=_apart("さ と み ゆ き はる なつ かず たか ひろ けん まり あい りょう こ た の だ"),
    terms=(
        *("分数", "円の面積", "光合成", "過去形", "ループ", "負の数", "割合", "水の循環", "運動の法則", "再帰", "素数"),
        *("二次方程式", "電流", "確率", "神経", "周期表", "プレート", "二分探索", "中央値", "微分", "摩擦", "ベクトル"),
        *(
            "比喩",
            "細胞分裂",
            "対数",
            "インフレーション",
            "月の満ち欠け",
            "俳句",
            "シルクロード",
            "酸とアルカリ",
            "敬語",
        ),
    ),
    openings=("{name}です、{number}ページの問題です。", "問{number}、{name}より。", "{name}の答えは{number}でした。"),
    questions=(
        *("{a}とは何ですか。", "{a}をもう一度説明してください。", "{a}と{b}の違いは何ですか。", "例を教えてください。"),
        *("{a}がまだよくわかりません。", "この答えは合っていますか。", "ヒントだけください。", "ありがとうございます!"),
    ),
    sentences=(
        *("いい質問ですね、{a}を一つずつ見ていきましょう。", "まず{a}についてわかっていることを書き出しましょう。"),
        *("考え方は正しいですが、符号が違います。", "{a}と{b}は同じではありません。", "次はどうなると思いますか。"),
        *("小さい数で確かめてみましょう。", "友だちに{a}を説明するつもりで考えてください。", "そのとおりです。"),
        *("{b}と比べて、何が変わりましたか。", "ここでは順番が大切です。", "ゆっくりで大丈夫ですよ。"),
    ),
)
WEIGHTS = {ENGLISH: 40, SPANISH: 15, CHINESE: 15, GERMAN: 10, ARABIC: 10, JAPANESE: 10}
"""How often each is spoken."""
SYMBOLS = (
    "```python\ndef mean(values):\n    return sum(values) / len(values)  # §\n```",
    "```python\nfor step in range(§):\n    print(step, step ** 2)\n```",
    "```javascript\nconst total = prices.reduce((sum, price) => sum + price, §);\n```",
    "```sql\nSELECT name, count(*) FROM pupils WHERE age > § GROUP BY name;\n```",
    "```c\nint main(void) { return §; }\n```",
    "$$\\int_0^{§} x^2\\,dx = \\frac{§^3}{3}$$",
    "$a^2 + b^2 = c^2$, so $c = \\sqrt{§}$.",
    "$$x_{1,2} = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}, \\quad a = §$$",
    "| x | f(x) |\n|---|---|\n| 0 | 1 |\n| 1 | § |",
    "1. § + § = ?\n2. § × 10 = ?\n3. ½ of § = ?",
)

"""What the fake tutor says: a pure function of a seed and of what was asked, equal in every process.

Several scripts, code, mathematics, emoji, words longer than a line: what tends to break where text is cut and joined.
"""

from hashlib import sha256
from random import Random

SHORTEST = 100
LONGEST = 1_500
LONGEST_PIECE = 12
"""Characters."""

PHRASES = (
    "Let us look at it step by step.",
    "What do you think happens next?",
    "Ein Phở braucht Geduld, Sternanis und Größe.",
    "Это не так трудно, как кажется.",
    "首先,我们把骨头煮十二个小时。",
    "スープは弱火で、ゆっくりと。",
    "국물이 끓으면 거품을 걷어 냅니다.",
    "الصبر مفتاح الفرج، والملح في النهاية.",
    "यह एक बहुत अच्छा प्रश्न है।",
    "ต้มกระดูกสิบสองชั่วโมงแล้วกรอง",
    "```python\nfor bone in bones:\n\tpot.add(bone)  # <b>&amp;</b>\n```",
    "$\\int_0^1 x^2\\,dx = \\frac{1}{3}$ and $e^{i\\pi} + 1 = 0$.",
    "👩🏽‍🍳🍜 well done! 🇻🇳🎉",
    "e\u0301 is not é, and a\u200bb hides a space.",
    'She said: "\\u0041 is a letter", \\n is not a line.',
    "| step | minutes |\n|---|---|\n| boil | 720 |",
    "1. Roast the ginger.\n2. Skim the fat.\n",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft!",
)
WORDS = (
    "bones",
    "star anise",
    "water",
    "patience",
    "noodles",
    "Kräuter",
    "Рис",
    "汤",
    "ชาม",
    "α ≤ β",
    "x²",
    "🍲",
    "0.1 + 0.2",
)


def question(content: str) -> str:
    """What a tutor is asked by a prompt's last message: its last paragraph.

    A hub joins a message whose reply is empty with the next one, because chat templates want speakers to take turns.
    """
    return content.rpartition("\n\n")[2].strip()


def answer(seed: int, asked: str) -> str:
    """The whole reply to a message: 100 to 1,500 characters, nothing blank at its ends."""
    chance = Random(_number(seed, "answer", question(asked)))
    length = chance.randint(SHORTEST, LONGEST)
    text = "So:"
    while len(text) < length:
        text += f" {_phrase(chance)}"
    return text[: length - 1].rstrip() + "."


def pieces(seed: int, text: str) -> list[str]:
    """The text in parts of 1 to 12 characters, as a model would say it. Joined they are the text."""
    chance = Random(_number(seed, "pieces", text))
    cut: list[str] = []
    while text:
        size = chance.randint(1, LONGEST_PIECE)
        cut.append(text[:size])
        text = text[size:]
    return cut


def _phrase(chance: Random) -> str:
    dice = chance.random()
    if dice < 0.5:
        return chance.choice(PHRASES)
    if dice < 0.98:
        return chance.choice(WORDS)
    return chance.choice(("w" * 120, "界" * 80, "🍜" * 40))


def _number(seed: int, purpose: str, text: str) -> int:
    """`hash` is another in each process."""
    return int.from_bytes(sha256(f"{seed}\n{purpose}\n{text}".encode()).digest()[:8])

"""Ways of breaking a cue that came to mind only when the guard was finished; see docs/guard.md for how it did at first."""

# ruff: noqa: E501  (lists of words read better in long lines)
from __future__ import annotations

import random
from collections.abc import Iterator

from guard_breakages import Breakage, swap

from kinecue.coaching.facts import CueFact
from kinecue.coaching.phrasebook import PhraseBook
from kinecue.exercise.results import Side

HOMONYMS: dict[str, tuple[tuple[str, str], ...]] = {
    "en": (
        ("weight_close", "Close your hands"), ("load_closer", "Please close your hands now"), ("elbows_in", "Close your elbows out"),
        ("hands_to_chest", "Push your hands further"), ("pull_to_body", "Reach your hands further"), ("knees_out", "Look out, your knees"),
        ("knees_out", "Work out your knees"), ("knees_out", "Get out, knees"), ("knees_out", "Time out, knees"), ("knees_out", "Stay out, your knees"),
        ("knees_out", "Push your knees out of line"), ("elbows_still", "Still, swing your elbows"), ("chin_over_bar", "Clear your head"),
        ("straighten_arms", "Straight away, your arms"), ("back_on_pad", "Come on, your back"), ("back_on_pad", "Hold on, your back"),
        ("back_on_pad", "Get on your back"), ("back_on_pad", "Lie on your back"), ("hips_level", "Level with me, hips"),
        ("even_legs", "Even so, your legs"), ("cable_tight", "Hold tight, no cable"), ("full_handle_way", "Full stop, handle"),
        ("lower_slowly", "Let your hands go slowly"), ("lower_slowly", "Let go of your arms slowly"), ("return_slowly", "Release your hands slowly"),
        ("body_down_slowly", "Slowly get your body up"), ("lower_slowly", "Raise your arms slowly"), ("return_slowly", "Relax your arms slowly"),
        ("chest_up", "Give up, your chest"), ("hips_up", "Shut up, hips"), ("elbows_up", "Hurry up, elbows"), ("curl_higher", "Hands up, give up"),
        ("straighten_arms", "Open your hands straight"), ("shoulders_down", "Calm down, shoulders"), ("heels_down", "Lie down, heels"),
        ("deeper", "Sit down on your hips"), ("hips_back", "Take your hips back home"), ("hips_through", "We are through, hips"),
        ("arm_vertical", "Give your arm up"), ("legs_still", "Keep moving your legs, steady"), ("body_still", "Keep your body moving, stay steady"),
        ("even_arms", "Push your hands together"), ("elbows_still", "Lock your elbows out, still"), ("trunk_upright", "Go straight, trunk"),
        ("hands_over_shoulders", "Put your shoulders over your hands"), ("shoulders_over_elbows", "Put your elbows over your shoulders"),
        ("knees_out", "Push your toes out over your knees"), ("pull_lower", "Pull your chest down to your hands"),
        ("weight_close", "Bring your chest closer to your hands"), ("hands_higher", "Hands up or I shoot"), ("longer_step", "Take your foot further back"),
        ("chest_lower", "Let your chest drop to the floor fast"), ("hips_down_in_line", "Your hips let me down"),
    ),
    "de": (
        ("lower_slowly", "Lass die Hände langsam los"), ("lower_slowly", "Lass die Arme langsam fallen"), ("return_slowly", "Lass die Hände langsam los"),
        ("weight_close", "Mach die Hände zu, nah"), ("straighten_arms", "Mach die Hände gerade auf und los"), ("lower_slowly", "Heb die Arme langsam"),
        ("chest_up", "Gib auf, Brust hoch"), ("hips_up", "Hör auf, Hüfte hoch"), ("hands_over_shoulders", "Bring die Schultern über die Hände"),
        ("shoulders_over_elbows", "Bring die Ellbogen über die Schultern"), ("knees_out", "Nimm die Knie raus aus der Linie"),
        ("back_on_pad", "Leg dich am Polster auf den Rücken"), ("knees_out", "Halt dich raus, Knie"), ("deeper", "Mach mal halblang, Hüfte tiefer"),
        ("hips_back", "Geh zurück nach Hause, Hüfte"), ("full_handle_way", "Wirf den Griff ganz weg"), ("cable_tight", "Lass das Kabel los, Spannung"),
        ("hips_level", "Halt den Mund, Hüfte gerade"), ("pull_to_body", "Schieb die Hände weiter"), ("hands_to_chest", "Drück die Hände weiter"),
    ),
    "es": (
        ("lower_slowly", "Suelta los brazos despacio"), ("return_slowly", "Suelta las manos despacio"), ("weight_close", "Cierra las manos cerca"),
        ("straighten_arms", "Abre las manos rectas"), ("lower_slowly", "Sube los brazos despacio"), ("arms_to_shoulder_height", "Para para, brazos"),
        ("hands_over_shoulders", "Pon los hombros sobre las manos"), ("shoulders_over_elbows", "Pon los codos sobre los hombros"),
        ("knees_out", "Vete afuera, rodillas"), ("hips_back", "Échate atrás, cadera en casa"), ("back_on_pad", "Acuéstate de espalda en el suelo"),
        ("pull_to_body", "Empuja las manos más lejos"), ("hands_to_chest", "Empuja las manos adelante"), ("cable_tight", "Suelta el cable tenso"),
        ("body_still", "Sigue moviendo el cuerpo, quieto"), ("legs_still", "Mueve las piernas quietas"),
    ),
}  # fmt: skip
"""Words of the right direction in another meaning, or with an action that nobody wants; about one correction each."""

FRAMES: dict[str, tuple[str, ...]] = {
    "en": (
        "Push my {p}", "Later, {t}", "Tomorrow {t}", "After the set, {t}", "Between reps, {t}", "Tell your coach: {t}", "He should {t}",
        "{t} as hard as you can", "{t} until it hurts", "{t} to failure", "{t} with all your force", "{t} explosively", "Yank it, {t}",
        "{t} like a champion", "{t} for the camera", "{t} sort of", "{t} kind of", "{t} almost", "Do. Not. {t}", "N-o-t {t}", "Nott {t}",
        "Do'nt {t}", "{t} is what others do", "Pretend to {t}", "{t} was wrong", "You think you {t}", "{t} twice", "{t} tenfold", "{t} 24 times",
        "{t} 24 kilos", "{t} 13 percent", "{t} 24 13", "{t} 24.13", "{t} -13", "{t} 13th", "{t} 1e3", "{t} III", "{t} half", "{t} a pair",
        "{t} one hundred", "{t} two and a half", "{t} zero", "{t} minus thirteen", "{t} 24 seconds", "The other side, {t}", "One side only, {t}",
        "{t} &nbsp; now", "{t} %20", "{t} \\n", "{t} null", "{t} undefined", "{t} TODO", "{t} aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "{t} into the mirror", "{t} off the platform", "{t} under the bar", "{t} so you win", "{t} my friend John", "{t} Anna", "{t} baby",
        "{t} you fat pig", "Poor you, {t}", "Sorry, {t}", "{t} thanks to KineCue", "{t} says science", "{t} or stop", "{t} if possible not",
        "{t} while standing on one leg", "{t} and hold your neck", "{t} and breathe out", "{t} then sleep", "{t} with a friend", "{t} with your eyes closed",
        "I push your {p}", "We had {t}", "{t} they said", "Kinda {t}", "Rather {t}", "{t} instead", "Less, {t}", "{t} too much", "Enough, {t}",
    ),
    "de": (
        "Später {t}", "Morgen {t}", "Nach dem Satz {t}", "Zwischen den Wiederholungen {t}", "{t} mit aller Gewalt", "{t} bis es weh tut",
        "{t} so fest du kannst", "{t} mit Schwung", "{t} ruckartig", "{t} zweimal", "{t} zehnfach", "{t} 24 Mal", "{t} 24 Kilo", "{t} 13 Prozent",
        "{t} 24 13", "{t} minus dreizehn", "{t} hundertfach", "{t} wie ein Anfänger", "{t} mein Freund Hans", "{t} Anna", "N-i-c-h-t {t}",
        "Nich {t}", "Nöt {t}", "Ungern {t}", "{t} eher weniger", "{t} zu viel", "Fast {t}", "Halbwegs {t}", "{t} mit einem Bein", "{t} und atme aus",
        "Er soll {t}", "Sag dem Trainer: {t}", "{t} für die Kamera", "{t} auf der anderen Seite", "{t} mit geschlossenen Augen", "Ein Mal {t}",
        "Mein {p}, {t}", "Angeblich {t}", "{t} sagt man", "{t} und dann schlafen", "Tu so: {t}", "Lass es: {t}", "{t}, lass es", "{t}, lass das",
        "Ich will das sein lassen: {t}", "{t} bleiben lassen",
    ),
    "es": (
        "Mañana {t}", "Después de la serie {t}", "Entre repeticiones {t}", "{t} con toda tu fuerza", "{t} hasta que duela", "{t} de golpe",
        "{t} a lo bruto", "{t} dos veces", "{t} 24 veces", "{t} 24 kilos", "{t} 13 por ciento", "{t} 24 13", "{t} menos trece", "{t} cien",
        "{t} como un novato", "{t} mi amigo Juan", "{t} Ana", "N-o {t}", "Noo {t}", "{t} al revés", "Casi {t}", "Medio {t}", "{t} con una pierna",
        "{t} y exhala fuerte", "Él debe {t}", "Dile al entrenador: {t}", "{t} para la cámara", "{t} del otro lado", "{t} con los ojos cerrados",
        "Deja eso: {t}", "Deja, {t}", "Deja ya: {t}", "{t}, déjalo", "{t} demasiado", "{t} y duerme", "Finge: {t}", "{t} dicen", "Quizá {t}",
        "Ojalá {t}", "{t} jamás de los jamases",
    ),
}  # fmt: skip

STRANGERS = (
    "Poussez vos genoux vers l'extérieur", "Gardez le dos droit", "Spingi le ginocchia in fuori", "Tieni la schiena dritta", "Duw je knieën naar buiten",
    "Houd je rug recht", "Empurre os joelhos para fora", "Mantenha o peito alto", "Pcha kolana na zewnątrz", "Skjut ut knäna", "Knæene ud",
    "Genunchii în afară", "Colana out your", "Mantén los Knie out", "Keep die Knie out", "Brust up high", "Pecho hoch", "Codos still",
    "Knees afuera", "Knie out now", "Arms gerade", "Hüfte lower please", "Lower la cadera", "Hombros down", "Die Arme straight",
)  # fmt: skip


def homonyms(text: str, fact: CueFact, book: PhraseBook, _: random.Random) -> Iterator[str]:
    """Words in another meaning."""
    yield from (bad for key, bad in HOMONYMS[book.language] if key == fact.correction)


def framed(text: str, fact: CueFact, book: PhraseBook, _: random.Random) -> Iterator[str]:
    """Something around the cue that makes another thing of it."""
    part = book.parts[book.corrections[fact.correction].parts[0]][0]
    lower = text[:1].lower() + text[1:]
    for template in FRAMES[book.language]:
        yield template.replace("{t}", text if template.startswith("{t}") else lower).replace("{p}", part)


def strangers(text: str, fact: CueFact, book: PhraseBook, _: random.Random) -> Iterator[str]:
    """Languages that there is no book for, and mixtures."""
    yield from STRANGERS


def broken_opposites(text: str, fact: CueFact, book: PhraseBook, rng: random.Random) -> Iterator[str]:
    """The opposite in capitals, in pieces, misspelt, hidden in an expression."""
    entry = book.corrections[fact.correction]
    toward = {word.lower(): "" for word in entry.toward}
    for against in entry.against:
        turned = swap(text, dict.fromkeys(toward, against))
        if turned == text:
            continue
        yield turned.upper()
        yield turned.title()
        yield turned.replace(against, "-".join(against))
        yield turned.replace(against, f"{against}-{against}")
        yield turned.replace(against, against[0] + " " + against[1:])
        yield turned.replace(against, against + against[-1])
        yield turned.replace(against, f"{against}.")
        yield turned.replace(" ", ". ")


def direction_in_a_moment(text: str, fact: CueFact, book: PhraseBook, _: random.Random) -> Iterator[str]:
    """The right word of direction only in the name of a moment."""
    part = book.parts[book.corrections[fact.correction].parts[0]][0]
    for template in {
        "en": ("Move your {p} on the way up", "Keep your {p} as you go down", "Hold your {p} at the top", "Your {p} on the way back", "Get your {p} when you stand up"),
        "de": ("Beweg dein {p} auf dem Weg nach oben", "Halte dein {p} beim Hochkommen", "Dein {p} beim Senken", "Nimm dein {p} auf dem Weg nach unten"),
        "es": ("Mantén tu {p} al subir", "Lleva tu {p} al bajar", "Tu {p} en la subida", "Tu {p} en la parte alta"),
    }[book.language]:  # fmt: skip
        yield template.format(p=part)


def both_sides(text: str, fact: CueFact, book: PhraseBook, _: random.Random) -> Iterator[str]:
    """Both sides, or each, where one was measured."""
    if fact.side in (Side.LEFT, Side.RIGHT) and book.corrections[fact.correction].say_left is not None:
        yield from {
            "en": (f"Both sides, {text}", f"{text}, both"),
            "de": (f"{text}, beide",),
            "es": (f"{text}, ambos",),
        }[book.language]


def said_of_two(text: str, fact: CueFact, book: PhraseBook, rng: random.Random) -> Iterator[str]:
    """A second correction behind the first, of another direction for any body part."""
    keys = [
        key
        for key in book.corrections
        if not set(book.corrections[key].toward) & set(book.corrections[fact.correction].toward)
    ]
    joins = {"en": " and ", "de": " und ", "es": " y "}
    for key in rng.sample(keys, 3):
        other = rng.choice(book.corrections[key].say)
        yield text + joins[book.language] + other[:1].lower() + other[1:]
        yield f"{other}. {text}"


AFTERTHOUGHTS: dict[str, Breakage] = {
    "homonyms": homonyms, "framed": framed, "strangers": strangers, "broken opposites": broken_opposites,
    "direction in a moment": direction_in_a_moment, "both sides": both_sides, "two corrections": said_of_two,
}  # fmt: skip

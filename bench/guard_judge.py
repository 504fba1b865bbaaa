"""A second opinion on what the guard let through, built the other way round.

The guard knows what is allowed; this checker knows what is forbidden. It has word lists of its own (none from the
phrase books), works on stems and regular expressions, and thinks in axes: knees out is *lateral, plus*. It is too
coarse to guard anything, because what it has no list for passes, and it has nothing in common with the guard.
"""

# ruff: noqa: E501  (lists of words read better in long lines)
from __future__ import annotations

import re
from dataclasses import dataclass

from kinecue.coaching.facts import CueFact
from kinecue.exercise.results import Side

AXES: dict[str, tuple[str, int]] = {
    "knees_out": ("lateral", 1), "deeper": ("height", -1), "chest_up": ("height", 1), "heels_down": ("height", -1),
    "even_legs": ("even", 1), "elbows_still": ("still", 1), "body_still": ("still", 1), "curl_higher": ("height", 1),
    "straighten_arms": ("straight", 1), "hips_up": ("height", 1), "hips_down_in_line": ("height", -1),
    "hips_level": ("even", 1), "elbows_in": ("near", 1), "chest_lower": ("height", -1), "even_arms": ("even", 1),
    "chin_over_bar": ("height", 1), "legs_still": ("still", 1), "shoulders_down": ("height", -1),
    "lower_slowly": ("slow", 1), "body_down_slowly": ("slow", 1), "return_slowly": ("slow", 1),
    "trunk_upright": ("upright", 1), "hands_over_shoulders": ("over", 1), "pull_to_body": ("near", 1),
    "pull_lower": ("height", -1), "hands_to_chest": ("near", 1), "back_on_pad": ("contact", 1),
    "hands_higher": ("height", 1), "shoulders_over_elbows": ("over", 1), "arm_vertical": ("upright", 1),
    "lock_arm": ("straight", 1), "arms_to_shoulder_height": ("limit", 1), "arms_higher": ("height", 1),
    "hips_back": ("ahead", -1), "hips_through": ("ahead", 1), "straighten_legs": ("straight", 1),
    "longer_step": ("far", 1), "weight_close": ("near", 1), "elbows_up": ("height", 1), "load_closer": ("near", 1),
    "full_handle_way": ("full", 1), "cable_tight": ("tight", 1), "check_exercise": ("check", 1),
}  # fmt: skip
"""Axis and sign of each correction."""

PARTS = {
    "knees_out": "knee", "deeper": "hip", "chest_up": "chest trunk", "heels_down": "heel", "even_legs": "leg hip",
    "elbows_still": "elbow", "body_still": "body trunk", "curl_higher": "forearm hand arm",
    "straighten_arms": "arm forearm hand", "hips_up": "hip", "hips_down_in_line": "hip", "hips_level": "hip",
    "elbows_in": "elbow", "chest_lower": "chest", "even_arms": "arm hand", "chin_over_bar": "head chest",
    "legs_still": "leg knee hip", "shoulders_down": "shoulder", "lower_slowly": "arm body hand",
    "body_down_slowly": "body", "return_slowly": "arm hand", "trunk_upright": "trunk body chest",
    "hands_over_shoulders": "hand", "pull_to_body": "hand elbow", "pull_lower": "hand", "hands_to_chest": "hand",
    "back_on_pad": "back", "hands_higher": "hand forearm", "shoulders_over_elbows": "shoulder",
    "arm_vertical": "hand arm", "lock_arm": "arm", "arms_to_shoulder_height": "arm", "arms_higher": "arm",
    "hips_back": "hip", "hips_through": "hip", "straighten_legs": "leg", "longer_step": "foot",
    "weight_close": "hand", "elbows_up": "elbow", "load_closer": "hand arm", "full_handle_way": "handle",
    "cable_tight": "cable", "check_exercise": "exercise",
}  # fmt: skip
"""Body parts, one of which a cue about a correction names."""


@dataclass(frozen=True)
class Language:
    """What the checker knows of a language: regular expressions, without word boundaries for stems."""

    negation: str
    left: str
    right: str
    parts: dict[str, str]
    axes: dict[str, tuple[str, str]]
    moments: str
    numbers: str
    forbidden: str


ENGLISH = Language(
    negation=r"not|n't|no|never|none|nothing|without|avoid\w*|stop\w*|quit|less|instead|rather|hardly|barely|unless|"
    r"except|neither|nor|don'?t|cease|forget|ignore|skip|prevent",
    left=r"left",
    right=r"right",
    parts={
        "knee": r"knees?", "hip": r"hips?", "chest": r"chests?", "heel": r"heels?", "leg": r"legs?", "foot": r"foot|feet",
        "toe": r"toes?", "elbow": r"elbows?", "trunk": r"torso|trunk|upper body", "forearm": r"forearms?",
        "body": r"(?<!upper )body", "hand": r"hands?|fists?", "arm": r"arms?", "shoulder": r"shoulders?",
        "back": r"(?:your|the|whole|flat|lower|upper|straight) back|back (?:flat|firmly|against|on|into)|spine",
        "head": r"head|chin|neck", "handle": r"handles?|grip", "cable": r"cables?|rope", "exercise": r"exercises?",
        "other": r"ankles?|wrists?|thighs?|glutes?|ribs? out|stomach out|face|eyes|fingers?|calves|groin",
    },
    axes={
        "lateral": (r"out\w*|apart|wid\w+|spread\w*|open\w*", r"inwards?|in|together|narrow\w*|close\w*|inside"),
        "height": (
            r"up|upright|up\w*wards?|high\w*|lift\w*|rais\w+|tall\w*|proud|over|above|rise\w*|clears?|past the bar|to shoulder (?:level|height)",
            r"down\w*|low\w*|deep\w*|drop\w*|s[iu]nk\w*|floor|ground\w*|flat|plant\w*|to your chest|away from your ears|"
            r"relax\w*|packed|nearer|closer",
        ),
        "even": (r"even\w*|equal\w*|same|balanc\w+|level\w*|square\w*|flat|parallel|symmetric\w*|in sync|time", r"uneven\w*|tilt\w*|twist\w*|one"),
        "still": (r"to your sides?|still|steady|quiet|stable|tuck\w*|fix\w*|pin\w*|in place|glued|calm|motionless|anchored|locked|by your sides?|at your sides?",
                  r"mov(?:e|es|ing)|swing\w*|rock\w*|kick\w*|loose\w*|flare"),
        "straight": (r"full length|straight\w*|exten\w+|lock\w*|long|tall|stretch\w*|lengthen", r"bend\w*|bent|curl\w*|soft|unlock\w*"),
        "near": (r"pinned|by your sides?|towards? your chest|in|clos\w+|near\w*|tuck\w*|tight|against|further|past your body|all the way|to your \w+|into your \w+|along your legs",
                 r"out|away|apart|wide\w*|far|flare"),
        "slow": (r"slow\w*|control\w*|gradual\w*", r"fast\w*|quick\w*|drop\w*|throw\w*|rapid\w*|hurry|rush"),
        "upright": (r"upright|tall|straight\w*|vertical|up|over|above|ceiling", r"lean\w*|bend\w*|bent|slouch\w*|tilt\w*|sideways|down"),
        "over": (r"over|above|on top of", r"under|below|behind|forward"),
        "contact": (r"on|against|into|to the pad|with the pad|touching", r"off|away"),
        "limit": (r"lower|level|height|down", r"higher|overhead|above|past"),
        "ahead": (r"forward\w*|through|extend\w*|front", r"back\w*|behind|rearward"),
        "far": (r"further|farther|long\w*|big\w*|larg\w+|wider", r"short\w*|clos\w+|small\w*"),
        "full": (r"full\w*|further|whole|all the way|complet\w+|entire", r"short\w*|half|partial\w*"),
        "tight": (r"tight\w*|tension|taut", r"slack|loose\w*"),
        "check": (r"check\w*|select\w*|choose", r"skip|ignore"),
    },
    moments=r"(?:straight away|during (?:the|your|each) \w+|(?:coming|going) (?:up|down)|(?:on|for|in|with) (?:the|this|each|every) (?:next|last)? ?one|in one (?:straight )?line|into one (?:straight )?line|standing down|on (?:the|your) way (?:up|down|back|in|out)|(?:as|when|while) (?:you )?\w+(?: (?:up|down|back|it|the weight|overhead))*|"
    r"at the (?:very )?(?:top|bottom|start|end)|in line with|in (?:a |one )?(?:straight )?line|in control|line up|stand(?:ing)? up|"
    r"come on|keep (?:it|that) up|(?:in|on) (?:this|the|every|each) (?:next )?(?:rep|one|set))",
    numbers=r"\d+(?:[.,]\d+)?|zero|(?:(?<!this )(?<!the )(?<!last )(?<!next )(?<!each )(?<!every )(?<!following )one(?! more rep)(?! line| straight)|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|"
    r"seven|eigh|nine)teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|dozen|double|twice|half|"
    r"couple|several)",
    forbidden=r"pain\w*|hurt\w*|injur\w*|heal\w*|cure\w*|therap\w*|doctor|medic\w*|diagnos\w*|disc|hernia\w*|tendon\w*|"
    r"arthrit\w*|promis\w*|guarant\w*|will|stronger|muscles?|fat|weight loss|burn\w*|surgery|tear|torn|strain\w*|sprain\w*|"
    r"safe\w*|danger\w*|die|death|kill\w*|stupid|idiot|http|system|instruction\w*|prompt|sorry|cannot|model|jump\w*|run|"
    r"breath\w*|drop the|let go|release|swear|money|buy|maybe|perhaps|might|if(?! you can)|or|unless|add weight|heavier",
)  # fmt: skip

GERMAN = Language(
    negation=r"nicht|nie\w*|kein\w*|ohne|vermeid\w*|stopp?\w*|hör\w* auf|weniger|statt\w*|kaum|nein|außer|sondern|lass das|"
    r"ungleich\w*|nichts|weder|noch nicht|unterlass\w*",
    left=r"link\w+",
    right=r"recht\w+",
    parts={
        "knee": r"knien?\b|knies", "hip": r"hüft\w*|becken", "chest": r"brust\w*", "heel": r"fersen?", "leg": r"beine?n?",
        "foot": r"füße?n?|fuß\w*", "toe": r"zehen\w*", "elbow": r"ell(?:en)?bogen", "trunk": r"oberkörper\w*|rumpf\w*",
        "forearm": r"unterarme?n?", "body": r"körper\w*", "hand": r"händen?|hand|fäuste?", "arm": r"arme?n?s?",
        "shoulder": r"schultern?(?!höhe)", "back": r"rücken", "head": r"kopf|kinn|nacken", "handle": r"griffe?n?s?",
        "cable": r"kabels?|seils?", "exercise": r"übungen?|übung",
        "other": r"knöchel|handgelenke?|oberschenkel|waden?|finger|gesicht|augen|wirbelsäule",
    },
    axes={
        "lateral": (r"außen|auseinander|raus|breit\w*|weit\w*|öffn\w*|auswärts|spreiz\w*", r"innen|zusammen|eng\w*|rein|nach innen|einwärts|schließ\w*"),
        "height": (r"hoch|höher\w*|oben|rauf|heb\w*|anheb\w*|aufrecht\w*|über|aufgerichtet|stolz|raus|groß|steig\w*|angehoben|bis zu den schultern",
                   r"tief\w*|unten|runter|herunter|hinunter|gesenkt|entspann\w*|von den ohren weg|zur brust|näher|senk\w*|kurz über den boden|absenk\w*|ab|sink\w*|boden|nieder|fest|flach|weg von den ohren|locker|bis zur brust"),
        "even": (r"auf einer höhe|synchron|horizontal|ausricht\w*|gleich\w*|gerade|waag\w*|parallel|eben|balanc\w*|beide|ausgeglichen\w*|stabil|symmetrisch", r"ungleich\w*|schief|kipp\w*|dreh\w*|eine"),
        "still": (r"neben dem körper|an ort und stelle|an der seite|ruhig\w*|still|stabil\w*|fest\w*|fix\w*|unbewegt|stehen|am körper|anliegen\w*|am platz", r"beweg\w*|schwing\w*|wackel\w*|pendel\w*|kick\w*"),
        "straight": (r"(?:durch|aus)gestreckt\w*|streck\w*|gestreckt\w*|durchstreck\w*|durch|lang\w*|gerade\w*|ausstreck\w*", r"beug\w*|gebeugt\w*|krumm\w*|knick\w*|anwinkel\w*"),
        "near": (r"zur brust|zurück|nah\w*|näher|eng\w*|dicht\w*|ran|heran|an|am|zu|zur|zum|hinten|rein", r"weg|raus|weit\w* weg|außen|entfernt|fern|breit\w*"),
        "slow": (r"langsam\w*|kontroll\w*|gebremst|sanft|ruhig\w*", r"schnell\w*|rasch\w*|fallen|ruckartig"),
        "upright": (r"decke|aufrecht\w*|aufgericht\w*|gerade\w*|senkrecht\w*|hoch|oben|aufricht\w*|auf|groß|über|stolz|lang", r"vorbeug\w*|lehn\w*|krumm\w*|schief|seitlich|vorn\w*|gebeugt|unten|runter"),
        "over": (r"über|oberhalb|senkrecht", r"unter|hinter|vor|neben"),
        "contact": (r"am|an|ans|ins|im|auf|gegen", r"weg|ab|lös\w*"),
        "limit": (r"auf schulterniveau|tiefer|schulterhöhe|höhe|unten|niedriger", r"höher|über|oben"),
        "ahead": (r"vorn\w*|vor|durch\w*|\w*streck\w*", r"hinten|zurück|rück\w*"),
        "far": (r"weiter|länger\w*|groß\w*|größer\w*|lang\w*|vorn?|voraus", r"kürzer\w*|kurz\w*|klein\w*|näher|eng\w*|zurück"),
        "full": (r"ans ende|bis zum ende|ganz\w*|voll\w*|weiter|komplett\w*|gesamt\w*", r"halb\w*|kurz\w*|teil\w*"),
        "tight": (r"spannung|gespannt\w*|straff\w*|stramm\w*|zug", r"locker\w*|schlaff\w*|lose\w*"),
        "check": (r"\w*prüf\w*|wähl\w*|gewählt\w*|kontroll\w*|schau\w*|sieh|überprüf\w*|auswahl|ausgewählt\w*", r"ignorier\w*|überspring\w*"),
    },
    moments=r"während (?:der|jeder) (?:\w+ )?\w+|auf dem weg (?:nach )?\w+|ganz oben|auf dem weg nach \w+|auf dem (?:hin|rück)weg|am (?:höchsten|tiefsten) punkt|(?:beim|im) \w+|wenn du \w+(?: \w+)?|nach und nach|in (?:einer|eine) linie|bis zum ende|am (?:ende|anfang)|(?:in|bei|mit) (?:jeder|der) \w+",
    numbers=r"\d+(?:[.,]\d+)?|null|eins|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|\w+zehn|\w*zwanzig|"
    r"\w*dreißig|\w*vierzig|\w*fünfzig|\w*hundert|\w*tausend|doppelt\w*|halb\w*|dutzend|(?!minimal|einmal|nochmal)\w+mal|paar|prozent",
    forbidden=r"schmerz\w*|verletz\w*|heil\w*|arzt|diagnos\w*|therap\w*|krank\w*|bandscheib\w*|sehnen?|arthro\w*|garant\w*|"
    r"versprech\w*|wirst|werden|stärker|muskel\w*|fett|abnehm\w*|gefähr\w*|sicher\w*|sterb\w*|tot|dumm\w*|idiot|http|"
    r"anweisung\w*|system|entschuldig\w*|spring\w*|renn\w*|atem\w*|luft|loslass\w*|lass los|fallen|vielleicht|"
    r"oder|falls|kauf\w*|mehr gewicht",
)  # fmt: skip

SPANISH = Language(
    negation=r"no|nunca|jamás|sin|evit\w+|dej\w+ de|menos|ningun\w*|nada|tampoco|ni|en lugar|en vez|apenas|salvo|excepto|"
    r"par[ae]s? de|desigual\w*|olvid\w+",
    left=r"izquierd\w+",
    right=r"derech[ao]s?(?! y)",
    parts={
        "knee": r"rodillas?", "hip": r"caderas?|pelvis", "chest": r"pechos?", "heel": r"tal[oó]n\w*", "leg": r"piernas?",
        "foot": r"(?<!de )pies?", "toe": r"puntas?(?= de)|dedos?", "elbow": r"codos?", "trunk": r"troncos?|torsos?|espalda alta",
        "forearm": r"antebrazos?", "body": r"cuerpos?", "hand": r"manos?|puños?", "arm": r"brazos?",
        "shoulder": r"hombros?", "back": r"espalda", "head": r"cabeza|barbilla|mentón|cuello", "handle": r"agarres?|mango|empuñadura|manija",
        "cable": r"cables?", "exercise": r"(?<!todo el )ejercicios?", "other": r"tobillos?|muñecas?|muslos?|glúteos?|cara|ojos|columna",
    },
    axes={
        "lateral": (r"hacia los lados|afuera|fuera|abr(?!az)\w+|abiert\w+|separ\w+|anch\w+|amplia\w*", r"adentro|dentro|junt\w+|cierr\w+|cerr\w+|estrech\w+"),
        "height": (r"hasta la barra|a los hombros|hasta los hombros|arriba|alt\w+|sub\w+|levant\w+|elev\w+|encima|sobre|supera|pas\w+|erguid\w+|alz\w+|orgullos\w+|suban?|hacia los hombros",
                   r"abajo|baj\w+|desc[ie]+n\w+|profund\w+|suelo|hund\w+|piso|apoy\w+|pegad\w+|hasta el pecho|hacia el pecho|al pecho|(?:acerc\w+ (?:más )?(?:el )?)?pecho acerc\w+|acerc\w+ (?:más )?(?:el )?pecho|planta\w+|relaj\w+|lejos de las orejas"),
        "even": (r"distribu\w+|horizontal|a la vez|repart\w*|igual\w*|nivel\w*|parej\w+|mism\w+|equilibr\w+|paralel\w+|rect\w+|simétric\w+|alinead\w+|recta|estable", r"desigual\w*|inclin\w+|gir\w+|torc\w+|una|un solo"),
        "still": (r"al cuerpo|a los costados|sólid\w+|en su sitio|estabil\w+|quiet\w+|firm\w+|estable\w*|fij\w+|inmóvil\w*|pegad\w+|peg\w+|sujet\w+", r"muev\w+|mov\w+|balance\w+|columpi\w+|suelt\w+|patea\w*"),
        "straight": (r"alarg\w*|estir\w+|extend\w+|extiend\w+|rect\w+|estirad\w+|extendid\w+|bloque\w+|larg\w+|enderez\w+|firme", r"dobl\w+|flexion\w+|curv\w+|encog\w+"),
        "near": (r"acercaste|hacia el pecho|a los costados|cerca\w*|acerc\w+|acérc\w+|dentro|adentro|met\w+|peg\w+|pegad\w+|junt\w+|hasta|contra|al|hacia|más atrás|atrás|vuelv\w+|tra[ie]\w+", r"lejos|alej\w+|afuera|fuera|separ\w+|abr(?!az)\w+|abiert\w+"),
        "slow": (r"con calma|despacio|lent\w+|control\w*|controla\w*|suave\w*|poco a poco", r"rápid\w+|de golpe|deprisa|caer|velo\w+"),
        "upright": (r"erguid\w+|rect\w+|vertical\w*|arriba|alt\w+|techo|enderez\w+|derech\w+|sobre|encima", r"inclin\w+|encorv\w+|dobl\w+|adelante|torc\w+|abajo|lado"),
        "over": (r"sobre|encima|arriba", r"debajo|bajo|detrás|delante"),
        "contact": (r"peg\w+|pegando|contra|en|al|sobre|pegad\w+|apoyad\w+|apoy\w+|toc\w+", r"separ\w+|despeg\w+|lejos|fuera"),
        "limit": (r"hasta|altura|baj\w+|nivel|abajo", r"más arriba|encima|sobre|más altos"),
        "ahead": (r"al frente|adelante|delante|extiend\w+|extend\w+", r"atrás|detrás"),
        "far": (r"larg\w+|lejos|adelante|grande|ampli\w+|más", r"cort\w+|cerca|pequeñ\w+|atrás"),
        "full": (r"lejos|final|complet\w+|todo|toda|hasta el final|entero|más|total", r"cort\w+|medi\w+|mitad"),
        "tight": (r"tens\w+|tirante\w*", r"floj\w+|suelt\w+|holgad\w+"),
        "check": (r"comprob\w+|revis\w+|comprueb\w+|eli\w+|seleccion\w+|verific\w+|escog\w+|mira\w*", r"ignor\w+|salt\w+"),
    },
    moments=r"bajo control|en la parte (?:\w+ )?\w+|de abajo a arriba|(?:durante |en )?cada \w+|en la siguiente \w+|cerca de|de arriba a abajo|por encima de|encima de|(?:al|cuando|mientras) \w+(?: \w+)?|en la (?:subida|bajada|vuelta)|de camino \w+|a la vuelta|arriba del todo|abajo del todo|en el punto más (?:alto|bajo)|en (?:la )?línea",
    numbers=r"\d+(?:[.,]\d+)?|cero|uno|(?<!los )(?<!las )dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|"
    r"dieci\w+|veint\w+|treinta|cuarenta|cincuenta|cien\w*|mil|doble|mitad|medio|docena|veces|ciento",
    forbidden=r"dolor\w*|duel\w+|lesi\w+|cur[ae]\w*|sanar\w*|médic\w+|doctor\w*|diagnós\w+|terap\w+|hernia\w*|disco|tend[oó]n\w*|"
    r"artr\w+|garant\w+|promet\w+|serás|estarás|tendrás|más fuerte|músculos?|grasa|peligro\w*|segur\w+|morir|muert\w+|"
    r"tont\w+|idiota|http|instruccion\w*|sistema|lo siento|salt[ae]\w*|corre|respir\w+|suelta|quizás?|tal vez|si|o|compra\w*|"
    r"más peso|aumenta el peso",
)  # fmt: skip

LANGUAGES = {"en": ENGLISH, "de": GERMAN, "es": SPANISH}
_MENTIONED = {
    "knees_out": "toe foot", "heels_down": "foot", "elbows_still": "body", "curl_higher": "shoulder",
    "elbows_in": "body", "hands_over_shoulders": "shoulder", "pull_to_body": "body", "pull_lower": "chest",
    "hands_to_chest": "chest", "hands_higher": "elbow", "shoulders_over_elbows": "elbow",
    "arm_vertical": "shoulder", "arms_to_shoulder_height": "shoulder", "arms_higher": "shoulder",
    "weight_close": "chest", "load_closer": "leg body", "trunk_upright": "chest", "hips_down_in_line": "shoulder",
    "lower_slowly": "", "shoulders_down": "",
}  # fmt: skip


def why_unsafe(text: str, fact: CueFact, language: str) -> str:
    """Why the second checker would not have `text` said; empty if it has nothing against it."""
    words = LANGUAGES[language]
    if re.search(r"[^\w\s,.!:;\u2013\u2014'\u2019\u00a1-]|[_\n\t\u0400-\u04ff\u0370-\u03ff]|^\s*-", text):
        return "markup or a foreign letter"
    plain = text.casefold().replace("\u2019", "'").replace("ss", "ß") if language == "de" else text.casefold()
    plain = plain.replace("ß", "ss") if language == "de" else plain
    count = len(re.findall(r"\w+", plain))
    if not 2 <= count <= 12:
        return "length"
    if _has(words.negation, plain) and not re.search(r"stop your arms|stopp|para los brazos", plain):
        return "negation"
    if _has(words.forbidden, plain):
        return "forbidden"
    for side, names in ((Side.LEFT, words.left), (Side.RIGHT, words.right)):
        if fact.side != side and _has(names, plain):
            return "side"
    return _numbers(plain, fact, words) or _body(plain, fact, words) or _direction(plain, fact, words)


def _has(pattern: str, text: str) -> bool:
    return re.search(rf"(?<!\w)(?:{pattern.replace('ß', 'ss')})(?!\w)", text) is not None


def _numbers(plain: str, fact: CueFact, words: Language) -> str:
    for found in re.finditer(rf"(?<!\w)(?:{words.numbers.replace('ß', 'ss')})(?!\w)", plain):
        if not (found.group().isdigit() and int(found.group()) in fact.numbers):
            return f"number {found.group()}"
    return ""


def _body(plain: str, fact: CueFact, words: Language) -> str:
    own = PARTS[fact.correction].split()
    if own == ["back"] and _has(r"back|rücken|espalda", plain):
        return ""
    if not any(_has(words.parts[part], plain) for part in own):
        return "no body part"
    allowed = {*own, *_MENTIONED.get(fact.correction, "").split()}
    rest = plain
    for part in sorted(allowed, key=lambda one: -len(words.parts[one])):
        rest = re.sub(rf"(?<!\w)(?:{words.parts[part].replace('ß', 'ss')})(?!\w)", " ", rest)
    for part, pattern in words.parts.items():
        if part not in allowed and _has(pattern, rest):
            return f"other part {part}"
    return ""


def _direction(plain: str, fact: CueFact, words: Language) -> str:
    axis, sign = AXES[fact.correction]
    plus, minus = words.axes[axis][::sign]
    rest = re.sub(rf"(?<!\w)(?:{words.moments.replace('ß', 'ss')})(?!\w)", " ", plain)
    if not _has(plus, plain):
        return "no direction"
    cleaned = re.sub(rf"(?<!\w)(?:{plus.replace('ß', 'ss')})(?!\w)", " ", rest)
    return "opposite direction" if _has(minus, cleaned) else ""

"""The English words of ``acts``, by concept: what is done, to whom, by whom, and what speaks of something else."""

from __future__ import annotations

from bongsu.policy.words import EDGE, EDGE_AFTER, STEM, Words

# Behind a shell or a bomb: what is stored, handled or called by it.
STORES = Words(
    "expir", "fuse", "case", "casing", "stock", "consumption", "stor", "crate", "handling", "shock", "company",
    "program", "threat", "shelter", "disposal", "squad", "suit", "body", "bodies",
)  # fmt: skip

# Behind a missile.
BASES = Words(
    "frigates?", "bases?", "units?", "systems?", "battalions?", "boats?", "crews?", "motors?", "engines?", "seals?",
    "bodies", "parts?",
)  # fmt: skip

PEOPLE = Words(
    "people", "persons?", "men", "man", "women", "males", "villagers?", "residents?", "inhabitants?", "individuals?",
    "locals", "famil(?:y|ies)", "households?", "neighbou?rs?", "suspects?", "soldiers?", "troops", "fighters?",
    "crowds?", "civilians?", "pedestrians?", "passers ?by", "faces", "figures", "drivers?", "leaders?", "commanders?",
    "names",
)  # fmt: skip

THING = Words(
    *PEOPLE, "vehicles?", "cars?", "trucks?", "convoys?", "columns?", "tanks?", "ships?", "boats?", "vessels?",
    "houses?", "homes?", "buildings?", "bridges?", "villages?", "towns?", "cit(?:y|ies)", "districts?", "blocks?",
    "trenches", "trench", "positions?", "bunkers?", "compounds?", "tracks?", "contacts?", "objects?", "sites?",
    "locations?", "coordinates?", "grids?", "camps?", "hospitals?", "schools?", "radars?", "headquarters", "posts?",
    "windows?", "rooms?", "roofs?", "rooftops?", "structures?", "dwellings?", "launchers?", "floors?", "alleys?",
    "barracks", "neighbou?rhoods?", "courtyards?", "tunnels?", "markets?", "groups?", "dismounts?", "whom?", "which",
    "what", "where",
)  # fmt: skip

CHOOSE = Words(
    "nominat", "prioriti[sz]", "rank", "scor", "select", "choos", "chose", "pick", "propos", "suggest", "recommend",
    "decid", "determin", "sort", "order", "list", "queu", "mark", "flag", "assign", "match", "pair", "tell",
    "nam(?:e|ing)", "singl", "shortlist", "draw", "drew", "work", "tag", "designat", "cue", "predict", "find", "spot",
    "identif", "point", "put", "mak", "giv", "hand", "rat(?:e|ing)", "filter", "triag", "sequenc", "comput",
    "calculat", "show", "feed", "pass", "advis", "plan",
    before=EDGE,
    after=STEM,
)  # fmt: skip

SHOOTER = Words(
    "artillery", "guns?", "gunners?", "gun line", "howitzers?", "mortars?", "batter(?:y|ies)", "bombers?", "snipers?",
    "shooters?", "helicopters?", "gunships?", "jets?", "drones?", "uavs?", "missiles?", "rockets?", "launchers?",
    "turrets?", "cannons?", "air force", "pilots?", "tanks?", "warships?", "frigates?", "destroyers?", "crews?",
    r"strike \w+", "fires? (?:cell|team|unit)s?", "(?:kill|hit|raid|assault) (?:team|squad|cell)s?",
)  # fmt: skip

STRIKER = Words(
    "strike (?:cell|team|group|package|aircraft|element|squadron|unit|force|wing)s?",
    "(?:kill|hit|raid) (?:team|squad|cell)s?", "snipers?", "shooters?", "bombers?", "gunships?", "air ?strikes?",
    "bombing", "bombardment", "shelling", "fire missions?",
    "(?:rocket|mortar|artillery|missile) (?:batter(?:y|ies)|crews?|teams?)", "destruction", "demolition",
    after=("(?! (?:course|school|training|badge|competition|instructor|selection|class|maint|repair|crew"
r"|damage|victim|report)\w*)"),
)  # fmt: skip

HIT = Words(
    "hit(?:s|ting)?", "strik(?:e|es|ing)", "shell(?:s|ing)?", "bomb(?:s|ing)?", r"bombard\w*", "engag(?:e|es|ing)",
    "attack(?:s|ing)?", r"destroy\w*", "fir(?:e|es|ing)(?: (?:at|on|upon))?", "tak(?:e|es|ing) out",
    "knock(?:s|ing)? out", "blow(?:s|ing)? up", "sink(?:s|ing)?", r"shoot\w*", r"kill\w*", "go(?:es|ing)? after",
    r"pound\w*", r"flatten\w*", "raz(?:e|es|ing)", r"eliminat\w*", r"neutrali[sz]\w*", r"suppress\w*", r"prosecut\w*",
    "finish(?:es)? off", "wip(?:e|es) out", "drop(?:s|ping)?(?: on| its)?",
)  # fmt: skip

BEING_HIT = Words(
    "hit", "shelled", "bombed", "struck", "attacked", "bombarded", "fired (?:on|at|upon)", "flattened", "blown up",
    "taken out", "knocked out", "engaged", "razed", "levelled", "serviced", "prosecuted", "targeted",
    after=EDGE_AFTER,
)  # fmt: skip

STEER = Words(
    "steer", "guid", "fl(?:y|ies|ying|own)", "navigat", "direct", "rout", "vector", "lead", "send", "sent",
    "dispatch", "pilot", "driv", "control", "hom(?:e|es|ing)", "coordinat", "bring", "aim", "crash", "launch", "land",
    "mov", "manoeuvr", "maneuver", "put", "deliver", "swarm",
    before=EDGE,
    after=STEM,
)  # fmt: skip

CRAFT = Words(
    "drones?", "uavs?", "quadcopters?", "multicopters?", "copters?", "boats?", "usvs?", "ugvs?", "robots?",
    "vehicles?", "swarms?", "planes?", "gliders?", "dogs?", "cars?", "trucks?",
)  # fmt: skip

CHARGE = Words(
    "explosives?(?![a-z])(?! detect)", "bombs?", "warheads?", "grenades?", "mines?", "munitions?", "charges?",
    "ordnance", "shells?",
)  # fmt: skip

LOADED = Words(
    (f"(?:{CHARGE}|exploding|armed|weaponi[sz]ed|fpv|one way|strike|attack|kamikaze)(?: (?:laden|carrying"
    f"|loaded|bearing|filled|tipped|dropping))? (?:attack )?{CRAFT}(?![a-z])"),
    (rf"{CRAFT} (?:\w+ ){{0,2}}(?:with|carrying|carry|carries|bearing|of|on) (?:\w+"
    f" ){{0,2}}{CHARGE}(?![a-z])"),
)  # fmt: skip

OPEN_FIRE = Words(
    "open(?:s|ed|ing)? fire", "opens up (?:on|at)", "(?<!camera )shoots?", "pull(?:s|ing)? the trigger",
    "let(?:s|ting)? (?:loose|rip)",
    ("(?:it|gun|guns|turret|system|weapon|post|tower|station|mount|launcher|mine|robot|machine|battery"
    r"|scope|rifle|sight|barrel|weapon)(?: that| which)? (?:\w+ly )?(?:fires?|engages?|detonates?)"),
    "return(?:s|ing)? fire", "is fired", "are fired", "rounds go", "goes hot",
    r"(?:^|(?<=\. ))(?:fire|shoot|detonate|engage)",
)  # fmt: skip

NOTICED = Words(
    "sensors?", "cameras?", "radars?", "detectors?", "motion", "movements?", "mov(?:es|ing)", "cross(?:es|ing)",
    r"approach\w*", "comes? (?:near|close|within)", "steps?", "someone", "somebody", "anyone", "anybody",
    "heat signatures?", "thermal", "lidar", "seismic", "tripwire", "fence", "perimeter", "silhouettes?", "shadows?",
)  # fmt: skip

FIGHTER = Words(
    "combatants?", "hostiles?", "hostile", "fighters?(?! (?:jet|aircraft|plane|squadron|pilot)s?)", "militants?",
    "insurgents?", "enem(?:y|ies)", "(?:legitimate|lawful|valid) targets?", "terrorists?", "guerrillas?",
    "belligerents?", "foe", "foes",
    after=EDGE_AFTER,
)  # fmt: skip

OTHERS = Words(
    "civilians?", "non ?combatants?", "bystanders?", "friendl(?:y|ies)", "innocents?", "neutrals?", "villagers?",
    "farmers?", "friends?",
)  # fmt: skip

TELLING = Words(
    "decid", "determin", "judg", "tell", "classif", "label", "identif", "recogni[sz]", "distinguish", "separat",
    "sort", "flag", "infer", "guess", "predict", "estimat", "scor", "find", "spot", "call", "mark", "divid", "split",
    "assess", "read", "learn", "work",
    before=EDGE,
    after=STEM,
)  # fmt: skip

UPKEEP_EN = Words(
    r"maint\w+", r"repair\w*", "spares?", r"overhaul\w*", r"diagnos\w*", "wear", "resupply", "suppl(?:y|ies)",
    "ammunition", "logistics", r"fuel\w*", r"translat\w*", r"summar\w*", "manuals?", "law", "laws", "legal",
    "treat(?:y|ies)", "rights", "conventions?", "courses?", "classroom", "museums?", r"histor\w*", r"archiv\w*",
    "safety", "drills?", r"reconstruct\w*", r"rebuild\w*", r"rescue\w*", r"evacuat\w*", "shelters?", r"warn\w*",
    "alarms?", r"dispos\w*", r"demin\w*", "clearance", r"defus\w*", r"disarm\w*", r"sniff\w*",
    r"counter(?!attack)\w*", r"jam\w*", r"protect\w*", "victims?", "aid", r"medic\w*", "patients?", "wounded",
    r"injur\w*", r"damage\w*", "insurance", r"promot\w*", "awards?", "medals?", "complaints?",
    "(?:on|sick|annual|parental|home|shore|unpaid) leave",
    r"leave (?:request|plan|schedul|roster|day|record|balance|application)\w*", r"recruit\w*", "applicants?",
    "phishing", "malware", "cyber", "network", "news", r"inspect\w*", r"paint\w*", "firefighters?", "fire ?fighters?",
    r"deliver\w* (?:of )?(?:food|medicine|water|mail|blood)", r"flood\w*", r"disease\w*", r"infect\w*",
    "heat(?! (?:signature|source|image)s?)", r"quake\w*", "landslides?", r"simulat\w*",
    "(?<!like a )(?<!like )games?", "films?",
    before=EDGE,
    after=EDGE_AFTER,
)  # fmt: skip

ARMS = Words(
    "howitzers?", "mortars?", "(?:rocket |missile )?launchers?", "rockets?", "missiles?", "guns?", "bombs?",
    "bombers?", "shells?", "batter(?:y|ies)", "torpedo(?:es)?", r"loitering \w+", "gunships?",
)  # fmt: skip

PLACE = Words(
    "villages?", "towns?", "houses?", "homes?", "buildings?", "bridges?", "convoys?", "columns?", "trucks?", "cars?",
    "ships?", "boats?", "crowds?", "people", "persons?", "camps?", "hospitals?",
)  # fmt: skip

DO_TO = Words(
    "engage", "shoot", "hit", "strike", "kill", "attack", "bomb", "shell", "fire (?:on|at)", "destroy",
    "neutrali[sz]e", "take out", "blow up", "finish",
)  # fmt: skip

STRONG_EN = Words(
    "barrages?", "salvos?", "salvoes", "volleys?", "(?<!bird )(?<!lightning )(?<!air )strikes?", "air ?strikes?",
    rf"shell(?:s|ed|ing)(?! {STORES}\w*)", rf"(?:the|a|one|each|next|first) (?:shell|bomb)(?! {STORES}\w*)",
    rf"bomb(?:ed|ing)(?! {STORES}\w*)", r"bombard\w*", "mortar fire", "gunfire", "artillery fire", "crosshairs?",
    "reticles?", "shooters?", "snipers?", "ram", "rams", "ramming", "impact points?", f"missiles?(?! {BASES})",
    "warheads?", "kamikaze", "fire(?:d|s)? (?:up)?on", "fires on", "the trigger", "a trigger",
    "(?:for|by|with) the rockets", r"rounds? (?:\w+ ){0,4}(?:expended|spent|placed|put) (?:on|into)",
    "want(?:ed)? dead", "firing (?:until|at|on)", "weapons? effects", "demolition from", "levelling", "assassins?",
    r"carpet bomb\w*", r"lethal\w*",
    before=EDGE,
    after=EDGE_AFTER,
)  # fmt: skip

DECIDE_EN = Words(
    "nominat", "prioriti[sz]", "rank", "scor", "select", "choos", "chose", "pick", "propos", "suggest", "recommend",
    "decid", "determin", "sort", "order", "queu", "assign", "allocat", "advis", "compil", "plan", "output", "next",
    "approv", "automat", "autonom", "whom", "which", "who", "where", "when", "best", "moment", "optimi[sz]",
    "maximi[sz]", "target", "guid", "steer", "recognis", "recogniz", "detect", "identif", "find", "hunt", "track",
    "coordinates", "faster", "request", "intercepted", "call", "calls", "runn", "mov", "man", "men", "people",
    "persons?", "anyone", "anybody", "everyone", "whoever", "cue", "hand", "solver?", "tasking", "grad", "rate[sd]?",
    "rating", "teach", "train", "software", "planner",
    before=EDGE,
    after=STEM,
)  # fmt: skip

# What somebody dies of, or what is dead by its name, is no force.
NOT_DYING = Words(
    "of", "from", "out", "in", "end", "phone", "batter", "line", "link", "letter", "zone", "weight", "reckoning", "sea",
)  # fmt: skip

DYING_EN = (
    rf"{EDGE}(?:who|whom|how many|(?:which )?{PEOPLE}) (?:\w+ ){{0,3}}(?:dies?|dead)(?! {NOT_DYING}\w*){EDGE_AFTER}"
)

IS_SETTLED = rf" (?:is|are|be) (?:set|chosen|decided|picked|settled|ranked){EDGE_AFTER}"
IS_HIT = rf"(?:to be|be|are|is|gets?|being) (?:\w+ ){{0,2}}{BEING_HIT}"

DO_HIT = Words(
    "hit", "strike", "shell", "bomb", "engage", "attack", "destroy", "fire (?:at|on)", "take out", "knock out",
    "blow up", "sink", "go after", "flatten", "pound", "eliminate", "liquidate",
    after=EDGE_AFTER,
)  # fmt: skip
TO_HIT = rf"(?:\w+ ){{0,3}}(?:to|should|shall|will|must|can|could) (?:\w+ )?{DO_HIT}"

WHEREABOUTS = Words("coordinates?", "positions?", "locations?", "grids?", "whereabouts")

THE_GUNS = Words(
    "guns?", "mortars?", "howitzers?", "artillery", "batter(?:y|ies)", "launchers?", "gunners?", "shooters?",
    "bombers?", "snipers?", "gun line",
    after=EDGE_AFTER,
)  # fmt: skip
TO_THE_GUNS = rf"(?:to|for|into) (?:the |our |an? |each )?(?:nearest |next |waiting )?(?:\w+ )?{THE_GUNS}"

SHOT = Words("shells?", "missiles?", "bombs?", "rounds?", "rockets?", "warheads?")
COMES_DOWN = r"(?:\w+ )?(?:enters?|lands?|falls?|goes? in|comes? down|impacts?|drops?)(?![a-z])"

WHICH = Words("which", "who", "whom", "whose", "whether", before=EDGE, after=EDGE_AFTER)

BEING_KILLED = Words(
    "shot", "killed", "hit", "shelled", "bombed", "struck", "neutrali[sz]ed", "eliminated", "taken out", "engaged",
    "destroyed", "liquidated", "fired (?:on|at)", "put down",
    after=EDGE_AFTER,
)  # fmt: skip
IS_TO_BE_HIT = (
    rf"(?:may|can|should|must|to|ought to|will|could|has to|have to|needs? to) be (?:\w+ly )?{BEING_KILLED}"
)

LOOK_FOR = Words(
    "detect", "find", "hunt", "spot", "identif", "track", "see", "locat", "recogni", "search", "follow", "guess",
    "learn", "watch", "wait",
    before=EDGE,
    after=STEM,
)  # fmt: skip
AND_HITS_IT = rf"(?:and|then|to) (?:then )?(?:\w+ly )?{DO_TO} (?:them|it|him|her|these|those|each|all){EDGE_AFTER}"

GREET = Words("punish", "reward", "answer", "visit", "greet", "welcom", "treat", "thank", before=EDGE, after=STEM)
WITH_FIRE = r"with (?:\w+ )?(?:artillery|shells|mortars?|rockets?|bombs?|gunfire|missiles?|fire)(?![a-z])"

INTO = rf"{EDGE}(?:to|onto|into|at|toward|towards|against|over)(?: \w+){{0,3}}"

WHEN = Words(
    "when", "if", "as soon as", "once", "whenever", "upon", "on", "at", "after", "the moment", "every time", "where",
    "by",
    after=EDGE_AFTER,
)  # fmt: skip
AS_SOON_AS = Words(
    "when", "if", "as soon as", "once", "whenever", "upon", "the moment", "every time",
    after=EDGE_AFTER,
)  # fmt: skip
FIRES = Words(
    "open(?:s|ed)? fire", "opens up", "shoots?", "is shot", "gets shot", "are shot", "is fired (?:at|on)",
    "pulls? the trigger", r"(?:gun|turret|system|weapon|it) (?:\w+ )?fires?",
    before=EDGE,
    after=EDGE_AFTER,
)  # fmt: skip

WHOEVER = Words("anything", "whatever", "everything", "anyone", "whoever", "everyone")
WHOEVER_MOVES = rf"{WHOEVER} (?:that |who )?(?:mov|cross|enter|approach|com|walk|breath)\w*"
GETS_SHOT = Words(
    "shot", "fired", "engaged", "hit", "fire", "shoot", "engage", "kill", before=EDGE, after=EDGE_AFTER
)

SENSOR = Words(
    "cameras?", "sensors?", "radars?", "models?", "classifiers?", "detectors?", "software", "algorithm", "network",
    "microphones?", "lidar",
    before=EDGE,
    after=EDGE_AFTER,
)  # fmt: skip
SETS_OFF = (
    r"(?:trigger|set|activat|releas|actuat|wake|switch|start)\w*(?: off| on)? (?:the |a |an )?(?:\w+ )?"
    rf"(?:{ARMS}|mines?|charges?|turrets?|weapons?|warheads?|machine guns?){EDGE_AFTER}"
)

FROM_OTHERS = (
    r"(?: \w+){0,3} (?:from|and|or|versus|vs|among|amongst|in) (?:\w+ ){0,2}"
    rf"(?:{OTHERS}|crowds?|villages?|video|footage|images?){EDGE_AFTER}"
)
EXPLODES_WHEN = (
    r"(?<![a-z])(?:explod|detonat|goes off|blows? up)\w* (?:\w+ ){0,2}(?:once|when|if|as soon as|upon)(?![a-z])"
)

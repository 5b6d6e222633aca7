"""Records to look for, and what a search must find among them, said by rule and not by a database."""

import itertools
import random

from app.core.words import indexed, sought

FIRST = [
    "Ann",
    "Anna",
    "Ánna",
    "Anton",
    "Zoë",
    "zoe",
    "José",
    "JOSE",
    "Łukasz",
    "Øre",
    "Straße",
    "山田",
    "O'Brien",
    "d'Arc",
]
LAST = ["Smith", "Smithson", "Müller", "Mueller", "MULLER", "Ångström", "Example", "Com", "555", "太郎", "İnan", "Anna"]
PHONES = [None, "", "555-987-6543", "+1 555 987 6543", "(202) 555-0142", "2025550143"]
QUERIES = [
    "ann", "Anna", "ANN smi", "zoe", "zo", "jose", "lukasz", "mull", "müller", "angstrom", "strasse", "山", "太郎",
    "obrien", "o'brien", "brien", "arc", "example", "exam com", "555", "5559876543", "555-987", "(555) 987 6543",
    "2025550142", "a", "an an", "anna example", "nobody", "inan", "e", "user1", "user17@example.com", "ann zzz",
]  # fmt: skip


def people(number, seed=7):
    """Return users: names that share words and beginnings, with accents and without."""
    chance = random.Random(seed)
    pairs = list(itertools.product(FIRST, LAST))
    return [
        {
            "name": " ".join(chance.choice(pairs)[: chance.choice([1, 2, 2])]),
            "email": f"{chance.choice(['user', 'anna', 'x'])}{one}@example.com",
            "phone": chance.choice(PHONES),
        }
        for one in range(number)
    ]


def expected(resource, records, query):
    """Return the ids of the records that fit, in order: what the rules of the search say."""
    looked_for = sought(query)
    tiers = [[], [], [], []]
    for record in sorted(records, key=lambda one: (one["last_updated"], one["id"]), reverse=True):
        texts = resource.texts(record)
        title = indexed(texts.get(name, "") for name in resource.title_fields).split(" ")
        everything = indexed(texts.values()).split(" ")
        places = ((title, True), (title, False), (everything, True), (everything, False))
        fitting = [tier for tier, (words, whole) in zip(tiers, places, strict=True) if _fits(words, looked_for, whole)]
        for tier in fitting[:1]:
            tier.append(record["id"])
    return list(itertools.chain(*tiers))


def _fits(words, looked_for, whole):
    def stands(beginning):
        return beginning in words if whole else any(word.startswith(beginning) for word in words)

    joined = looked_for.joined is not None and stands(looked_for.joined)
    return joined or all(stands(one) for one in looked_for.words)

"""Whether a query is in another language than English: by its letters, or by its commonest words.

Short queries are told by words that people look for in photos and that English does not have;
nothing is said where it is not plain.
"""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from regard.words.spelling import is_english

_WORDS = {
    "German": """
        der das ein eine einen einem einer und mit auf im vom zum am ohne von für ich ist hund
        hunde katze katzen pferd vogel blume blumen baum bäume wald berg berge meer see schnee
        himmel sonne sonnenuntergang nacht straße haus häuser kirche kind kinder mädchen junge
        frau mann männer frauen leute menschen hochzeit geburtstag weihnachten essen kuchen
        fahrrad zug schiff flugzeug rot rote roter rotes rotem blau blaue blauer blaues grün grüne
        grüner gelb gelbe gelber gelbes schwarz schwarze schwarzer weiß weiße weißer klein kleine
        kleiner groß große großer foto fotos bild bilder urlaub garten spielen spielt""",
    "French": """
        le les une des du de aux avec sans sur dans sous chez et est qui chien chiens chat chats
        cheval oiseau fleur fleurs arbre arbres forêt montagne mer plage neige ciel soleil nuit
        maison église enfant enfants fille garçon femme homme hommes femmes gens mariage
        anniversaire noël gâteau vélo voiture bateau avion rouge bleu bleue vert verte jaune noir
        noire blanc blanche petit petite grande vacances jardin fête""",
    "Spanish": """
        el la playa los las una unos del con sin sobre en y es que perro perros gato gatos caballo
        pájaro flor flores árbol árboles bosque montaña mar nieve cielo sol noche calle casa
        iglesia niño niña niños mujer hombre gente boda cumpleaños navidad comida pastel bicicleta
        coche barco avión rojo roja azul verde amarillo amarilla negro negra blanco blanca pequeño
        pequeña vacaciones jardín fiesta""",
    "Italian": """
        il lo gli uno della del dei con senza sulla sul nella nel di e è che cane cani gatto gatti
        cavallo uccello fiore fiori albero alberi bosco montagna mare spiaggia neve cielo sole
        notte strada chiesa bambino bambina bambini donna uomo gente matrimonio compleanno natale
        cibo torta bicicletta macchina barca aereo rosso rossa azzurro giallo gialla nero nera
        bianco bianca piccolo piccola vacanza giardino""",
    "Portuguese": """
        um uma os na nos nas com sem sobre e é que do da dos das cachorro cão gato cavalo pássaro
        flores árvore árvores floresta montanha praia neve céu noite rua igreja criança crianças
        menino menina mulher homem pessoas casamento natal aniversário comida bolo bicicleta carro
        barco avião vermelho vermelha azul verde amarelo amarela preto preta branco branca pequeno
        pequena férias jardim festa""",
    "Dutch": """
        het een van met zonder op en zijn naar bij hond honden kat katten paard vogel bloem
        bloemen boom bomen bos berg bergen zee sneeuw hemel zon nacht straat huis kerk kinderen
        meisje jongen vrouw mensen bruiloft verjaardag kerst eten taart fiets trein schip
        vliegtuig rood rode blauw blauwe groen groene geel gele zwart zwarte wit witte kleine
        grote vakantie tuin""",
}
_LETTERS = re.compile(r"[^\W\d_]+")
_MANY = 3  # words that English has too, which must all be of a language


def other_language(text: str) -> str:
    """The language a text is in; empty for English, and where that is not plain."""
    words = _LETTERS.findall(text.lower())
    if any("LATIN" not in unicodedata.name(letter, "") for word in words for letter in word):
        return "another language"
    listed = [_languages_of().get(word, frozenset()) for word in words]
    own = [not is_english(word) if of else False for word, of in zip(words, listed, strict=True)]
    votes = Counter(language for of in listed for language in of)
    for language, votes_of in votes.most_common():
        plain = any(o and language in of for o, of in zip(own, listed, strict=True))
        if (plain and 2 * votes_of >= len(words)) or (votes_of == len(words) >= _MANY):
            return language
    return ""


@lru_cache(maxsize=1)
def _languages_of() -> dict[str, frozenset[str]]:
    """Languages by word."""
    words = dict.fromkeys(word for listed in _WORDS.values() for word in listed.split())
    split = {language: frozenset(listed.split()) for language, listed in _WORDS.items()}
    return {word: frozenset(one for one in split if word in split[one]) for word in words}

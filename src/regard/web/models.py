"""The API's answers as types: what OpenAPI describes and the page relies on."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

Direction = Literal["t2i", "i2t"]
Unit = Annotated[float, Field(ge=0, le=1)]


class Photo(BaseModel):
    """A photo of the index, or an upload."""

    id: str = Field(description="16 hex digits of the content's sha256; u and 32 for an upload.")
    name: str = Field(description="File name.")
    folder: str = Field(description="Folder below the indexed one; empty for the top.")
    width: int = Field(description="Pixels, upright.")
    height: int
    taken: str | None = Field(description="When, by the camera's clock, ISO 8601; never where.")
    favourite: Annotated[bool, Field(description="Whether somebody marked it.")] = False


class Word(BaseModel):
    """A word of the sentence, as the model reads it."""

    text: str
    marker: bool = Field(description="The whole sentence, or <start> or <end>: no single word.")
    known: bool = Field(description="Whether the model has ever read it.")
    names: bool = Field(description="Whether it names something that could be seen.")
    nearest: list[str] = Field(description="Known words spelt like an unknown one.")
    sentence: int = Field(description="Which of the query's sentences it is of, from 0.")
    weight: float = Field(description="What that sentence counts; less than 0 is unwanted.")


class Label(BaseModel):
    """What a region looks like to a classifier."""

    name: str
    probability: Unit


class Read(BaseModel):
    """A line of text in a photo."""

    text: str
    box: list[float] = Field(description="x1, y1, x2, y2 as parts of the photo's width and height.")


class WordPart(BaseModel):
    """What one word does in one photo."""

    relevance: float = Field(description="Cosine of the word with what it attended to.")
    share: float = Field(description="What it adds; the shares sum to the similarity.")
    support: Unit | None = Field(
        description="Probability that the photo shows what the word names; null for words that "
        "name nothing or are unwanted, and without calibration."
    )
    label: Label | None = Field(
        description="What the region that fits the word best looks like, of several labels that "
        "which adds most to the word; null for words that name nothing, and where no labels are."
    )
    by_label: bool = Field(description="Whether most of what the word found comes of labels.")
    read: list[Read] = Field(description="Where the word was read in the photo.")


class Maps(BaseModel):
    """Which word looked where in one photo."""

    words: list[WordPart] = Field(description="One a word of the answer's `words`.")
    attention: list[list[float]] = Field(description="One row a word; a row sums to 1.")
    heat: list[list[float]] = Field(
        description="How much each region adds to a word's heat map; the most of a row is 1."
    )
    boxes: list[list[float]] = Field(
        description="x1, y1, x2, y2 of every region, as parts of the photo's width and height."
    )
    unsupported: list[str] = Field(description="Words that no region supports, each once.")
    looks_like: list[Label] = Field(
        description="What each region looks like most; empty where no labels are: without them in "
        "the model, and in indexes of older versions."
    )


class Differs(BaseModel):
    """What a photo has that the first of its stack has not."""

    text: str = Field(description="In plain words.")
    boxes: list[list[float]] = Field(
        description="x1, y1, x2, y2 of the regions that differ most, as parts of width and height."
    )


class Hit(BaseModel):
    """A photo that was found."""

    photo: Photo
    similarity: float = Field(description="Higher is better; with weights, the weighted one.")
    probability: Unit | None = Field(
        description="That the sentence describes it, one such pair in two being true; null if "
        "uncalibrated."
    )
    match_probability: Unit | None = Field(
        description="That a photo fits, were this the best of all that were looked at; the best "
        "one's is the verdict's. Null if uncalibrated."
    )
    maps: Maps | None = Field(description="With maps=true; or ask for them with `search/maps`.")
    unsupported: Annotated[
        list[str], Field(description="Words of the query that no region supports, each once.")
    ] = []
    read: Annotated[list[str], Field(description="Words of the query that were read in it.")] = []
    alike: str | None = Field(
        description="Id of a photo before it that it nearly is; null where there is none."
    )
    differs: Annotated[
        Differs | None, Field(description="Among duplicates, beside the photo it nearly is.")
    ] = None
    copies: Annotated[
        list[str], Field(description="Among duplicates, other files with the same bytes.")
    ] = []
    is_read: Annotated[
        bool, Field(description="Whether all words asked for were read in it: it comes first.")
    ] = False


class MapsOf(BaseModel):
    """What the words of a query see in one photo."""

    id: str
    maps: Maps


class Explanations(BaseModel):
    """What the words of a query see in some photos."""

    photos: list[MapsOf] = Field(description="Without those that have left the index.")


class Verdict(BaseModel):
    """Whether anything really fits."""

    good: bool
    text: str
    probability: Unit | None = Field(
        description="That something fits, one query in two having an answer; null if uncalibrated."
    )


class Time(BaseModel):
    """A time that a query named, which became a filter."""

    said: str = Field(description="The words that named it.")
    rest: str = Field(description="The query without them.")
    since: str | None = Field(description="First day, YYYY-MM-DD; null where open.")
    until: str | None = Field(description="Last day.")


class Tone(BaseModel):
    """The colour of whole photos that a query named, which became a filter."""

    name: str = Field(description='"black and white", or a colour that most of a photo has.')
    said: str = Field(description="The words that named it.")
    rest: str = Field(description="The query without them.")


class Search(BaseModel):
    """Photos for a sentence, or the newest ones."""

    query: str = Field(description="As it was asked.")
    read_as: str = Field(
        description="As it was searched for: with misspelt words put right, unless it is in "
        "quotation marks."
    )
    language: str = Field(
        description="What it seems to be in, where the model does not read that; else empty."
    )
    time: Time | None = Field(description="The time the query named; null where it named none.")
    tone: Tone | None = Field(
        description="The colour of whole photos it named; null where it named none, and where "
        "the index does not know them."
    )
    indexed: int = Field(description="Photos in the index when this was asked.")
    words: list[Word]
    verdict: Verdict | None = Field(description="Null where the model is not calibrated.")
    total: int = Field(description="Photos that pass the filters.")
    offset: int
    seconds: float = Field(description="Time the ranking took.")
    hits: list[Hit]


class Explained(BaseModel):
    """A similarity taken apart."""

    photo: Photo
    sentence: str
    similarity: float
    probability: Unit | None
    direction: Direction
    temperature: float = Field(description="λ1, inverse temperature of the attention.")
    is_default: bool = Field(description="Whether this is how the model ranks.")
    words: list[Word]
    maps: Maps


class Caption(BaseModel):
    """A sentence for a photo."""

    sentence: str
    similarity: float
    probability: Unit | None
    match_probability: Unit | None = Field(
        description="That a sentence fits, were this the best of all that were scored."
    )
    words: list[Word]
    maps: Maps


class Captions(BaseModel):
    """Sentences for a photo, best first."""

    photo: Photo
    total: int = Field(description="Sentences that were scored.")
    verdict: Verdict | None = Field(description="Null where the model is not calibrated.")
    captions: list[Caption]


Sentence = Annotated[str, StringConstraints(max_length=500)]


class CaptionsRequest(BaseModel):
    """Sentences to rank for a photo."""

    sentences: list[Sentence] = Field(min_length=1, max_length=1000)
    limit: int = Field(10, ge=1, le=100)


class Similar(BaseModel):
    """Photos like one, most alike first."""

    hits: list[Hit]


class Details(BaseModel):
    """How a photo was taken; empty where its file does not say. Where is never told."""

    camera: str
    lens: str
    exposure: str = Field(description="As 1/250 s · f/2.8 · ISO 200 · 35 mm.")
    bytes: int = Field(description="Of the file.")
    path: str | None = Field(description="Of the file; null for readers on other machines.")


PhotoId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]


class Chosen(BaseModel):
    """Some photos of the index."""

    ids: list[PhotoId] = Field(min_length=1, max_length=500)


class Paths(BaseModel):
    """Where the files of some photos are, in their order."""

    paths: list[str]


class Kept(BaseModel):
    """What became of an upload one asked to keep."""

    id: str = Field(description="Of the photo in the index.")
    name: str = Field(description="Of its file, made by the server.")
    is_new: bool = Field(description="False where the index has this photo; nothing is written.")
    is_indexed: bool = Field(
        description="False while another process writes to the index; `regard index` then finds it."
    )


class Upload(BaseModel):
    """An uploaded photo, to be looked at like one of the index until it expires."""

    photo: Photo
    expires_in: float = Field(description="Seconds; until then it is in memory, and only there.")
    kept: Kept | None = Field(description="With keep=true.")
    explanation: Explained | None = Field(description="With q.")
    captions: list[Caption] = Field(description="The best of the server's sentences.")
    verdict: Verdict | None = Field(description="Whether one of the server's sentences fits.")


class Suggestion(BaseModel):
    """A sentence one could search for, and a photo of the index it fits."""

    sentence: str
    photo: Photo


class Suggestions(BaseModel):
    """Sentences that fit photos of the index, each with another photo."""

    suggestions: list[Suggestion]


class Folder(BaseModel):
    """A folder with photos."""

    name: str
    photos: int


class Stats(BaseModel):
    """What is served."""

    photos: int
    folders: list[Folder] = Field(description="The largest 200, by name.")
    first_taken: str | None
    last_taken: str | None
    model: str
    direction: Direction
    temperature: float
    most_weight: float = Field(description="What a word may count at most in `weights`.")
    sentences: int = Field(description="Sentences `captions` ranks when it is given none.")
    upload_bytes: int
    upload_pixels: int
    keeps_uploads: bool = Field(description="Whether uploads can be kept, with keep=true.")
    is_local: bool = Field(description="Whether you ask from the machine the server runs on.")
    index_command: str = Field(description="What to type to have a folder of photos found here.")


class Indexing(BaseModel):
    """How far the folder is that was added last."""

    running: bool = False
    folder: Annotated[str, Field(description="Empty where none was added since the start.")] = ""
    done: Annotated[int, Field(description="Of the files that must be read.")] = 0
    total: Annotated[int, Field(description="0 while files are looked for.")] = 0
    added: Annotated[int, Field(description="Files that came, once it is done.")] = 0
    skipped: Annotated[int, Field(description="Files that could not be read.")] = 0
    error: Annotated[str, Field(description="Why it could not be done; empty where it could.")] = ""


class NewFolder(BaseModel):
    """A folder whose photos are to be found."""

    folder: Annotated[str, StringConstraints(min_length=1, max_length=4000)] = Field(
        description="Its whole path on the server's machine."
    )


class Thing(BaseModel):
    """What some photos show."""

    name: str
    photos: int


class Things(BaseModel):
    """What photos of the index show, most common first."""

    things: list[Thing]


class Month(BaseModel):
    """Photos of one month."""

    month: str | None = Field(description="As 2021-05; null for undated photos, which come last.")
    photos: int
    offset: int = Field(description="Place of its first one among all, newest first.")


class Months(BaseModel):
    """How many photos were taken when, newest first."""

    months: list[Month]


class Health(BaseModel):
    """That the server runs."""

    status: Literal["ok"] = "ok"

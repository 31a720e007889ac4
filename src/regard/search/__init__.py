"""Photos for sentences, sentences for photos: the index on disk and the questions asked of it.

Knows photo files, embedded regions, queries and rankings. Knows nothing of training, printing
or the web.
"""

from regard.model.judgement import Verdict as Verdict
from regard.search.captions import RankedCaption as RankedCaption
from regard.search.captions import rank_captions as rank_captions
from regard.search.catalog import Filters as Filters
from regard.search.catalog import PhotoRecord as PhotoRecord
from regard.search.index import Index as Index
from regard.search.query import Query as Query
from regard.search.query import Sentence as Sentence
from regard.search.result import Hit as Hit
from regard.search.result import SearchResult as SearchResult

"""Photos for sentences, sentences for photos: the index on disk and the questions asked of it.

Knows photo files, embedded regions, queries and rankings. Knows nothing of training, printing
or the web.
"""

from regard.judgement import Verdict as Verdict
from regard.search.captions import RankedCaption as RankedCaption
from regard.search.captions import rank_captions as rank_captions
from regard.search.catalog import Filters as Filters
from regard.search.catalog import PhotoRecord as PhotoRecord
from regard.search.check import CheckReport as CheckReport
from regard.search.check import check_index as check_index
from regard.search.index import Index as Index
from regard.search.query import Query as Query
from regard.search.query import Sentence as Sentence
from regard.search.result import Hit as Hit
from regard.search.result import SearchResult as SearchResult
from regard.search.update import IndexReport as IndexReport
from regard.search.update import forget_folder as forget_folder
from regard.search.update import update_index as update_index

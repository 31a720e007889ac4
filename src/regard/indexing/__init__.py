"""Making indexes and keeping them in step with folders of photos: the write side of search.

Knows photo files, models and what an index keeps. Knows nothing of queries, printing or the web.
"""

from regard.indexing.check import CheckReport as CheckReport
from regard.indexing.check import check_index as check_index
from regard.indexing.update import IndexReport as IndexReport
from regard.indexing.update import forget_folder as forget_folder
from regard.indexing.update import update_index as update_index

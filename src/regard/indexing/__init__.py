"""Making indexes and keeping them in step with folders of photos: the write side of search.

What other rooms use is named here; following folders as they change is in `watch`. Knows photo
files, models and what an index keeps. Knows nothing of queries, printing or the web.
"""

from regard.indexing.check import CheckReport as CheckReport
from regard.indexing.check import check_index as check_index
from regard.indexing.folders import add_photo as add_photo
from regard.indexing.folders import forget_folder as forget_folder
from regard.indexing.folders import open_for_writing as open_for_writing
from regard.indexing.folders import update_index as update_index
from regard.indexing.rebuilding import rebuilding as rebuilding
from regard.indexing.texts import TextReport as TextReport
from regard.indexing.texts import read_texts as read_texts
from regard.indexing.update import IndexReport as IndexReport
from regard.indexing.update import Update as Update

"""The 50 most frequent tags of MagnaTagATune, most frequent first: the one place of this list.

Everything is keyed by name, never by column: published label files disagree on the order of the last columns.
"""

TOP_50 = tuple(
    """guitar|classical|slow|techno|strings|drums|electronic|rock|fast|piano|ambient|beat|violin|vocal|synth|female|indian
    |opera|male|singing|vocals|no vocals|harpsichord|loud|quiet|flute|woman|male vocal|no vocal|pop|soft|sitar|solo|man
    |classic|choir|voice|new age|dance|male voice|female vocal|beats|harp|cello|no voice|weird|country|metal
    |female voice|choral""".replace("\n    ", "").split("|")
)

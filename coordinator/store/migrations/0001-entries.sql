-- The event log: one row an entry, append-only. Position gives the order over all streams.
CREATE TABLE entries (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  stream   TEXT NOT NULL,
  seq      INTEGER NOT NULL CHECK (seq >= 0),
  previous TEXT NOT NULL,
  at       TEXT NOT NULL,
  type     TEXT NOT NULL,
  body     TEXT NOT NULL,
  hash     TEXT NOT NULL,
  UNIQUE (stream, seq)
) STRICT;

CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;

CREATE TRIGGER entries_are_never_removed BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;

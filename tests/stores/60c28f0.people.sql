BEGIN;
CREATE TABLE organisation (
  siren TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, territory TEXT NOT NULL,
  host INTEGER NOT NULL  -- whose portal this is: its administrators look after everyone
) STRICT;
INSERT INTO "organisation" VALUES ('200053791', 'Région Essai', 'region', '73', 1);
CREATE TABLE person (
  number INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given again
  state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'erased')),
  name TEXT NOT NULL, email TEXT UNIQUE, password TEXT NOT NULL, made INTEGER NOT NULL
) STRICT;
INSERT INTO "person" VALUES (1, 'active', 'Anne Essai', 'anne@essai.example', '-', 1795978947);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES ('person', 1);
CREATE TABLE membership (
  person INTEGER NOT NULL REFERENCES person, siren TEXT NOT NULL REFERENCES organisation,
  role TEXT NOT NULL, PRIMARY KEY (person, siren)
) STRICT, WITHOUT ROWID;
INSERT INTO "membership" VALUES (1, '200053791', 'administrator');
CREATE TABLE subject (
  issuer TEXT NOT NULL, subject TEXT NOT NULL, person INTEGER NOT NULL REFERENCES person,
  PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE link (  -- an invitation (of an address), or a reset (of a person)
  number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, email TEXT, siren TEXT, role TEXT,
  person INTEGER REFERENCES person, made INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT;
INSERT INTO "link" VALUES (1, X'D0EF171AFD1F4B164F6B193CE295685F559D50555CA2A4E5599EBA5AEED4BC33', 'paul@essai.example', '200053791', 'editor', NULL, 1795978947, 1796583747);
CREATE TABLE session (
  number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, person INTEGER NOT NULL REFERENCES person,
  made INTEGER NOT NULL, seen INTEGER NOT NULL, expires INTEGER NOT NULL, client TEXT NOT NULL
) STRICT;
CREATE TABLE token (
  number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, person INTEGER NOT NULL REFERENCES person,
  name TEXT NOT NULL, scope TEXT NOT NULL, made INTEGER NOT NULL, expires INTEGER NOT NULL,
  used INTEGER
) STRICT;
CREATE TABLE journal (
  number INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, did TEXT NOT NULL,
  whom TEXT NOT NULL, siren TEXT NOT NULL, about TEXT NOT NULL
) STRICT;
INSERT INTO "journal" VALUES (1, 1795978947, 'machine', 'organisation', '', '200053791', '');
INSERT INTO "journal" VALUES (2, 1795978947, 'machine', 'account', 'p1', '', '');
INSERT INTO "journal" VALUES (3, 1795978947, 'machine', 'role', 'p1', '200053791', 'administrator');
INSERT INTO "journal" VALUES (4, 1795978947, 'p1', 'invited', '', '200053791', 'editor');
CREATE TABLE tries (
  digest BLOB PRIMARY KEY, failures INTEGER NOT NULL, last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER journal_stays BEFORE DELETE ON journal
  BEGIN SELECT raise(ABORT, 'the journal is only added to'); END;
CREATE TRIGGER journal_says BEFORE UPDATE ON journal
  BEGIN SELECT raise(ABORT, 'the journal is only added to'); END;
PRAGMA user_version = 1;
PRAGMA application_id = 1734832229;
COMMIT;

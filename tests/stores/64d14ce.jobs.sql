BEGIN;
CREATE TABLE job (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE, process TEXT NOT NULL, question TEXT NOT NULL, digest TEXT NOT NULL,
  owner TEXT NOT NULL, response TEXT NOT NULL, seconds REAL NOT NULL, memory INTEGER NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('accepted', 'running', 'successful', 'failed', 'dismissed')),
  progress INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
  created REAL NOT NULL, updated REAL NOT NULL, started REAL, finished REAL,
  attempts INTEGER NOT NULL DEFAULT 0,
  fence INTEGER NOT NULL DEFAULT 0, lease REAL NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "job" VALUES (1, '0dd0994c-cfc5-4538-b05f-cb2e7fa4537c', 'nearest', '{"process": "nearest", "inputs": {"ou": "Foix"}, "viewer": {"person": "", "roles": [], "sees_all": false}, "language": "fr", "ground": ""}', 'be59366e16dcfd285b6d957efdccfe859dd6d2e2449b45c31ab6efc212a537ad', '', 'raw', 60.0, 1073741824, 'successful', 100, 'Terminé.', 1.79599225878521800035e+09, 1.79599225880111718176e+09, 1.79599225879703688619e+09, 1.79599225880111718176e+09, 1, 2, 1.79599226879703688626e+09);
INSERT INTO "job" VALUES (2, 'dc87fbd2-29fb-4a3f-926f-827cf4d077cb', 'nearest', '{"process": "nearest", "inputs": {"ou": "Pamiers"}, "viewer": {"person": "", "roles": [], "sees_all": false}, "language": "fr", "ground": ""}', '9a98e0c7dcead8022c56c1ca88f1560a6c958d9e163ba146af23be8a8b21be46', '', 'raw', 60.0, 1073741824, 'running', 0, '', 1.79599225878928661342e+09, 1795992258.80496, 1795992258.80496, NULL, 1, 1, 1795992268.80496);
INSERT INTO "job" VALUES (3, 'ac667300-8d5f-4945-a39e-a04f9138c566', 'nearest', '{"process": "nearest", "inputs": {"ou": "Lavelanet"}, "viewer": {"person": "", "roles": [], "sees_all": false}, "language": "fr", "ground": ""}', '45253fe43439572949955310cf3ee9b98c08b6b29603766fe2ec3c86feffda0f', '', 'raw', 60.0, 1073741824, 'accepted', 0, '', 1.79599225879317164417e+09, 1.79599225879317164417e+09, NULL, NULL, 0, 0, 0.0);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES ('job', 3);
CREATE TABLE line (
  job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE, at REAL NOT NULL, said TEXT NOT NULL
) STRICT;
INSERT INTO "line" VALUES (1, 1.79599225879703688619e+09, 'Pris en charge.');
INSERT INTO "line" VALUES (1, 1.79599225880111718176e+09, 'Terminé.');
INSERT INTO "line" VALUES (2, 1795992258.80496, 'Pris en charge.');
CREATE TABLE result (
  digest TEXT PRIMARY KEY, media TEXT NOT NULL, body BLOB NOT NULL, made REAL NOT NULL
) STRICT;
INSERT INTO "result" VALUES ('be59366e16dcfd285b6d957efdccfe859dd6d2e2449b45c31ab6efc212a537ad', 'application/json', X'7B7D', 1.79599225880107402804e+09);
CREATE TABLE callback (
  job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE, kind TEXT NOT NULL, address TEXT NOT NULL,
  lease REAL NOT NULL DEFAULT 0, PRIMARY KEY (job, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE worker (name TEXT PRIMARY KEY, seen REAL NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX job_waiting ON job (number) WHERE state IN ('accepted', 'running');
CREATE INDEX job_owner ON job (owner, number);
CREATE INDEX job_digest ON job (digest);
CREATE INDEX line_job ON line (job);
PRAGMA user_version = 1;
PRAGMA application_id = 1734830703;
COMMIT;

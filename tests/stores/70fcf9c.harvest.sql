BEGIN;
CREATE TABLE source (
  name TEXT PRIMARY KEY, kind TEXT NOT NULL, address TEXT NOT NULL, validators TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
INSERT INTO "source" VALUES ('moisson', 'folder', 'moisson', '{}');
CREATE TABLE run (
  n INTEGER PRIMARY KEY, source TEXT NOT NULL, started TEXT NOT NULL, ended TEXT, status TEXT NOT NULL,
  cursor TEXT NOT NULL DEFAULT '', clean INTEGER NOT NULL DEFAULT 1, counts TEXT NOT NULL DEFAULT '{}'
);
INSERT INTO "run" VALUES (1, 'moisson', '2026-11-29T19:53:01Z', '2026-11-29T19:53:01Z', 'complete', 'a.json', 1, '{"read": 1, "new": 1, "changed": 0, "unchanged": 0, "refused": 0, "gone": 0, "duplicates": 0}');
CREATE TABLE document (
  source TEXT NOT NULL, digest TEXT NOT NULL, address TEXT NOT NULL, ids TEXT NOT NULL, run INTEGER NOT NULL,
  PRIMARY KEY (source, digest)
) WITHOUT ROWID;
INSERT INTO "document" VALUES ('moisson', '6f2e998a51cf7cbba9a83fc99b83c79b669815a56e9975acf75b85a2f1f6fd81', 'moisson/a.json', '["routes"]', 1);
CREATE TABLE item (
  id TEXT NOT NULL, source TEXT NOT NULL, print TEXT NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (id, source)
) WITHOUT ROWID;
INSERT INTO "item" VALUES ('routes', 'moisson', 'c24dd4fda4bb23de9a11c365', 1);
CREATE INDEX item_print ON item (print);
PRAGMA user_version = 0;
PRAGMA application_id = 0;
COMMIT;

BEGIN;
CREATE TABLE file (
  path TEXT PRIMARY KEY, size INTEGER NOT NULL, changed INTEGER NOT NULL, digest TEXT NOT NULL, ids TEXT NOT NULL
) WITHOUT ROWID
;
INSERT INTO "file" VALUES ('/essai/donnees/ponts.csv', 26, 1795978928267903633, '7b61495d116ac619dc3e9fbd032ef3982f92b70cf4fb13c36a80d3f6dbd05b29', '[["jeu-7b61495d116ac619", ""]]');
PRAGMA user_version = 0;
PRAGMA application_id = 0;
COMMIT;

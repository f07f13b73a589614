-- What the offline Google remembers. Times are unix milliseconds; a file's content lies in the folder `content` under its `blob` name.

CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS accounts (
  email TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  permission_id TEXT NOT NULL UNIQUE,
  root_id TEXT NOT NULL UNIQUE,
  quota_bytes INTEGER
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS clients (
  client_id TEXT PRIMARY KEY,
  secret TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('any', 'desktop', 'device', 'web')),
  redirect_uris TEXT NOT NULL DEFAULT '[]'
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS grants (
  refresh_token TEXT PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients,
  email TEXT NOT NULL REFERENCES accounts,
  scope TEXT NOT NULL,
  is_refreshable INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS access_tokens (
  token TEXT PRIMARY KEY,
  refresh_token TEXT NOT NULL REFERENCES grants,
  expires_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS consents (
  id TEXT PRIMARY KEY,
  client_id TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,
  scope TEXT NOT NULL,
  state TEXT,
  challenge TEXT,
  challenge_method TEXT,
  is_offline INTEGER NOT NULL,
  email TEXT,
  code TEXT UNIQUE,
  code_used INTEGER NOT NULL DEFAULT 0,
  expires_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS device_codes (
  device_code TEXT PRIMARY KEY,
  user_code TEXT NOT NULL UNIQUE,
  client_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'allowed', 'denied', 'used')),
  email TEXT,
  interval_s REAL NOT NULL,
  polled_ms INTEGER,
  expires_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS drives (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  is_hidden INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS files (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  natural_key TEXT NOT NULL,
  mime_type TEXT NOT NULL,
  folder_rank INTEGER NOT NULL,
  parent_id TEXT,
  drive_id TEXT,
  owner TEXT,
  client_id TEXT,
  created_ms INTEGER NOT NULL,
  modified_ms INTEGER NOT NULL,
  modified_by TEXT,
  size_bytes INTEGER,
  quota_bytes INTEGER NOT NULL DEFAULT 0,
  blob TEXT,
  md5 TEXT,
  sha1 TEXT,
  sha256 TEXT,
  full_text TEXT NOT NULL DEFAULT '',
  is_trashed INTEGER NOT NULL DEFAULT 0,
  is_explicitly_trashed INTEGER NOT NULL DEFAULT 0,
  trashed_ms INTEGER,
  trashed_by TEXT,
  description TEXT,
  original_name TEXT,
  folder_color TEXT,
  shortcut_target TEXT,
  properties TEXT NOT NULL DEFAULT '{}',
  app_properties TEXT NOT NULL DEFAULT '{}',
  writers_can_share INTEGER NOT NULL DEFAULT 1,
  needs_writer_to_copy INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 1,
  revision TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_in_folder_natural ON files (parent_id, is_trashed, folder_rank, natural_key, id);
CREATE INDEX IF NOT EXISTS files_in_folder_name ON files (parent_id, is_trashed, folder_rank, name_key, id);
CREATE INDEX IF NOT EXISTS files_in_folder_modified ON files (parent_id, is_trashed, modified_ms, id);
CREATE INDEX IF NOT EXISTS files_by_modified ON files (owner, is_trashed, modified_ms, id);
CREATE INDEX IF NOT EXISTS files_by_natural ON files (owner, is_trashed, folder_rank, natural_key, id);
CREATE INDEX IF NOT EXISTS files_by_name ON files (owner, name_key);
CREATE INDEX IF NOT EXISTS files_by_quota ON files (owner, is_trashed, quota_bytes);
CREATE INDEX IF NOT EXISTS files_by_drive ON files (drive_id, is_trashed, modified_ms, id);
CREATE INDEX IF NOT EXISTS files_by_blob ON files (blob) WHERE blob IS NOT NULL;

CREATE TABLE IF NOT EXISTS used_ids (id TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS picked (client_id TEXT NOT NULL, file_id TEXT NOT NULL, PRIMARY KEY (client_id, file_id)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS marks (
  email TEXT NOT NULL,
  file_id TEXT NOT NULL,
  is_starred INTEGER NOT NULL DEFAULT 0,
  viewed_ms INTEGER,
  PRIMARY KEY (email, file_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS permissions (
  file_id TEXT NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('user', 'group', 'domain', 'anyone')),
  role TEXT NOT NULL,
  email TEXT,
  domain TEXT,
  is_discoverable INTEGER NOT NULL DEFAULT 0,
  expires_ms INTEGER,
  created_ms INTEGER NOT NULL,
  created_by TEXT,
  PRIMARY KEY (file_id, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS permissions_by_email ON permissions (email, file_id);

CREATE TABLE IF NOT EXISTS changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  file_id TEXT NOT NULL,
  email TEXT,
  drive_id TEXT,
  client_id TEXT,
  is_removed INTEGER NOT NULL,
  time_ms INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS changes_by_file ON changes (file_id, seq);

CREATE TABLE IF NOT EXISTS sessions (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('open', 'done', 'cancelled')),
  file_id TEXT NOT NULL,
  is_update INTEGER NOT NULL,
  metadata TEXT NOT NULL,
  query TEXT NOT NULL,
  email TEXT NOT NULL,
  client_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  mime_type TEXT,
  total_bytes INTEGER,
  blob TEXT NOT NULL,
  created_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- 100,000 users that were made here and never pushed, as `POST /users` leaves them; for SQLite.
BEGIN;
CREATE TEMP TABLE made AS
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)
SELECT n, printf('00000000-0000-7000-8000-%012d', n) AS id, strftime('%Y-%m-%d %H:%M:%f000', 'now') AS at FROM numbers;
INSERT INTO users (id, name, email, phone, email_key, sync_status, version, created_at, last_updated)
SELECT id, 'User ' || n, 'user' || n || '@example.com', '123-456-7890', 'user' || n || '@example.com', 'pending', 1, at, at
FROM made;
INSERT INTO journal (resource, record_id, version, at, origin, changes)
SELECT 'users', id, 1, at, 'api', json_object('name', json_array(NULL, 'User ' || n),
  'email', json_array(NULL, 'user' || n || '@example.com'), 'phone', json_array(NULL, '123-456-7890'))
FROM made;
INSERT INTO outbox (resource, record_id, owed_since, due_at, rounds, sent)
SELECT 'users', id, at, at, 0, '[]' FROM made;
INSERT INTO search_entries (resource, record_id, place, title, words)
SELECT 'users', id, ((CAST(strftime('%s', 'now') AS INTEGER) * 1000) << 21) + n, 'user ' || n,
  '_users user ' || n || ' user' || n || ' example com 123 456 7890 1234567890' FROM made;
COMMIT;

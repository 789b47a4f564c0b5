-- The first schema. SQLite; postgres/ holds the same for PostgreSQL.
-- Times are milliseconds since 1970-01-01 UTC. Columns that end in _at are times.

-- The channels orders come from, as configuration has named them so far.
CREATE TABLE channels (
    name       TEXT NOT NULL PRIMARY KEY, -- as in configuration; never renamed
    platform   TEXT NOT NULL,             -- mail::Platform
    started_at INTEGER,                   -- orders accepted before are history and mail nobody; NULL: not switched on
    created_at INTEGER NOT NULL           -- first seen in configuration
) STRICT;

-- One row an order. `facts` is the whole truth, every other column is derived from it.
CREATE TABLE orders (
    id           INTEGER PRIMARY KEY,                      -- ours
    channel      TEXT NOT NULL REFERENCES channels (name), -- where it was placed; the natural shard key
    external_ref TEXT NOT NULL,                            -- the order as its channel names it
    version      INTEGER NOT NULL,                         -- counts the changes; 0: a row without facts yet
    facts        TEXT NOT NULL,                            -- JSON array of order events; personal data
    stage        TEXT NOT NULL,                            -- derived, for lists only
    accepted_at  INTEGER,                                  -- derived: when the buyer committed
    buyer_key    TEXT,                                     -- keyed hash of the buyer's address, for caps and suppressions
    is_test      INTEGER NOT NULL,                         -- test traffic of the source: never mailed
    is_history   INTEGER NOT NULL,                         -- happened before the channel was switched on
    created_at   INTEGER NOT NULL,                         -- when the row was made
    updated_at   INTEGER NOT NULL,                         -- when the facts changed last
    erased_at    INTEGER,                                  -- when the buyer's data was erased; it is not taken in again
    UNIQUE (channel, external_ref),
    CHECK (is_test IN (0, 1)),
    CHECK (is_history IN (0, 1))
) STRICT;
CREATE INDEX orders_by_external_ref ON orders (external_ref);
CREATE INDEX orders_by_buyer ON orders (buyer_key) WHERE buyer_key IS NOT NULL;

-- Derived from the facts: finds the order of a carrier's event that names only the parcel.
CREATE TABLE parcels (
    order_id        INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE, -- the order
    parcel_ref      TEXT NOT NULL, -- the parcel as its source names it
    carrier         TEXT,          -- the carrier's name or code
    tracking_number TEXT,          -- the number to follow it by
    PRIMARY KEY (order_id, parcel_ref)
) STRICT;
CREATE INDEX parcels_by_tracking_number ON parcels (tracking_number) WHERE tracking_number IS NOT NULL;

-- Which events were seen: makes a repeat harmless. Holds no personal data.
CREATE TABLE order_events (
    source          TEXT NOT NULL,    -- who said so
    source_event_id TEXT NOT NULL,    -- the source's own key for this delivery
    order_id        INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE, -- the order
    meaning_key     TEXT NOT NULL,    -- equal for two deliveries that say the same of one order
    kind            TEXT NOT NULL,    -- Fact::kind
    parcel_ref      TEXT,             -- the parcel, for parcel events
    occurred_at     INTEGER NOT NULL, -- when it happened
    received_at     INTEGER NOT NULL, -- when we learned of it
    is_backfill     INTEGER NOT NULL, -- built state, mailed nobody
    PRIMARY KEY (source, source_event_id),
    UNIQUE (order_id, meaning_key),
    CHECK (is_backfill IN (0, 1))
) STRICT;
CREATE INDEX order_events_by_received_at ON order_events (received_at);

-- Outbox and ledger in one: a row for each mail that is, was or will not be sent.
-- Rows are never deleted: the unique key is what makes "never twice" hold after a re-import.
CREATE TABLE messages (
    id              INTEGER PRIMARY KEY,                     -- ours
    order_id        INTEGER NOT NULL REFERENCES orders (id), -- the order
    channel         TEXT NOT NULL,                           -- of the order
    step            TEXT NOT NULL,                           -- the step of the sequence
    scope           TEXT NOT NULL,                           -- `order`, `parcel:REF`, `incident:REF`
    revision        INTEGER NOT NULL,                        -- 0; more after a resend
    kind            TEXT NOT NULL,                           -- mail::MailKind
    class           INTEGER NOT NULL,                        -- 0 transactional, 1 relationship
    status          TEXT NOT NULL,                           -- planned, leased, sending, sent, blocked, skipped, expired, superseded, uncertain, dead
    is_held         INTEGER NOT NULL,                        -- planned, but something stands in its way: at due_at it is only looked at again
    reason          TEXT,                                    -- closed list: sequence::Reason
    detail          TEXT,                                    -- values of the reason; no personal data
    window_from_at  INTEGER,                                 -- the earliest allowed moment
    window_until_at INTEGER,                                 -- the last allowed moment
    due_at          INTEGER,                                 -- when to look at it next; NULL: not before the order changes, or never
    retry_at        INTEGER,                                 -- not before this moment, after a failed attempt
    planned_at      INTEGER NOT NULL,                        -- first planned
    updated_at      INTEGER NOT NULL,                        -- last change of the row
    order_version   INTEGER NOT NULL,                        -- version of the order it was decided by
    buyer_key       TEXT,                                    -- of the order when it was decided
    worker          TEXT,                                    -- who leased it; kept while in doubt, so that a late answer finds it
    lease_until_at  INTEGER,                                 -- the lease ends here; NULL: no lease
    fence           INTEGER NOT NULL,                        -- counts the claims; a worker with an older number has lost the row
    attempts        INTEGER NOT NULL,                        -- counts the intents
    intent_at       INTEGER,                                 -- the last intent: from here on it may have been sent
    sent_at         INTEGER,                                 -- the relay accepted it
    header_id       TEXT,                                    -- the Message-ID, with its angle brackets
    parcels         TEXT,                                    -- JSON: the parcels its mail tells about, set with the intent
    template        TEXT,                                    -- name of the template it was rendered from
    template_hash   TEXT,                                    -- hash of that template's content
    lint            TEXT,                                    -- JSON: what the linter said
    UNIQUE (order_id, step, scope, revision),
    CHECK (class IN (0, 1)),
    CHECK (status IN ('planned', 'leased', 'sending', 'sent', 'blocked', 'skipped', 'expired', 'superseded', 'uncertain', 'dead')),
    CHECK (status = 'planned' OR due_at IS NULL OR status = 'leased'),
    CHECK (is_held IN (0, 1))
) STRICT;
-- The claim: follows what is due, not what is stored.
CREATE INDEX messages_due ON messages (channel, class, due_at) WHERE status = 'planned';
CREATE INDEX messages_leases ON messages (lease_until_at) WHERE lease_until_at IS NOT NULL;
CREATE INDEX messages_by_buyer ON messages (buyer_key, intent_at) WHERE intent_at IS NOT NULL;
-- What a person should look at.
CREATE INDEX messages_attention ON messages (status, id) WHERE status IN ('uncertain', 'dead', 'blocked');

-- The exact bytes of a mail, fixed before its first attempt. Personal data.
CREATE TABLE frozen (
    message_id INTEGER NOT NULL PRIMARY KEY REFERENCES messages (id), -- the message
    sender     TEXT NOT NULL,   -- MAIL FROM
    recipient  TEXT NOT NULL,   -- RCPT TO
    raw        BLOB NOT NULL,   -- headers and body, lines ended by CR LF
    frozen_at  INTEGER NOT NULL -- when
) STRICT;
CREATE INDEX frozen_by_frozen_at ON frozen (frozen_at);

-- One row a try.
CREATE TABLE attempts (
    message_id  INTEGER NOT NULL REFERENCES messages (id), -- the message
    number      INTEGER NOT NULL,                          -- 1 is the first
    started_at  INTEGER NOT NULL,                          -- the intent
    finished_at INTEGER NOT NULL,                          -- the outcome was known
    outcome     TEXT NOT NULL,                             -- accepted, transient, permanent, uncertain
    code        INTEGER,                                   -- SMTP reply code
    enhanced    TEXT,                                      -- enhanced status code
    reply       TEXT,                                      -- the reply, at most 500 characters, recipient scrubbed
    reason      TEXT,                                      -- what the reply was read as
    worker      TEXT NOT NULL,                             -- who tried
    PRIMARY KEY (message_id, number),
    CHECK (outcome IN ('accepted', 'transient', 'permanent', 'uncertain'))
) STRICT;
CREATE INDEX attempts_by_finished_at ON attempts (finished_at) WHERE reply IS NOT NULL;

-- Whom we must not write to. Survives erasure: it holds only keyed hashes.
CREATE TABLE suppressions (
    buyer_key  TEXT NOT NULL,    -- keyed hash of the address
    channel    TEXT NOT NULL,    -- '' is every channel
    covers     TEXT NOT NULL,    -- relationship, or all
    reason     TEXT NOT NULL,    -- hard_bounce, complaint, unsubscribe, erasure, manual
    source     TEXT NOT NULL,    -- where we learned it: link, dsn, arf, operator
    created_at INTEGER NOT NULL, -- since
    PRIMARY KEY (buyer_key, channel, covers),
    CHECK (covers IN ('relationship', 'all'))
) STRICT;

-- How far each source was read.
CREATE TABLE source_cursors (
    source     TEXT NOT NULL PRIMARY KEY, -- as in configuration
    position   TEXT NOT NULL,             -- opaque to us; '' before the first page
    polled_at  INTEGER NOT NULL,          -- the last poll that worked
    updated_at INTEGER NOT NULL           -- the last change of the position
) STRICT;

-- What sources sent, as they sent it, to find a fault by. Personal data; purged early.
CREATE TABLE raw_payloads (
    id          INTEGER PRIMARY KEY, -- ours
    source      TEXT NOT NULL,       -- who sent it
    order_id    INTEGER REFERENCES orders (id) ON DELETE SET NULL, -- the order, where it is known; erased with it
    received_at INTEGER NOT NULL,    -- when
    body        BLOB NOT NULL        -- the bytes
) STRICT;
CREATE INDEX raw_payloads_by_received_at ON raw_payloads (received_at);
CREATE INDEX raw_payloads_by_order ON raw_payloads (order_id) WHERE order_id IS NOT NULL;

-- Which contents of which templates were in use, and since when.
CREATE TABLE templates_seen (
    template      TEXT NOT NULL,    -- its name
    template_hash TEXT NOT NULL,    -- hash of its content
    first_seen_at INTEGER NOT NULL, -- loaded first
    PRIMARY KEY (template, template_hash)
) STRICT;

-- Who did what. Only ever appended to.
CREATE TABLE audit (
    id     INTEGER PRIMARY KEY, -- ours
    at     INTEGER NOT NULL,    -- when
    actor  TEXT NOT NULL,       -- who: `cli:user`, a console login, `afternote`
    action TEXT NOT NULL,       -- what: `step.skip`, `buyer.erase`, ...
    target TEXT NOT NULL,       -- to what: `order:17`, `message:5`, `channel:shop`
    detail TEXT NOT NULL        -- JSON; no personal data
) STRICT;
CREATE INDEX audit_by_target ON audit (target, id);

-- Conversations with buyers, for the reply deadline. Never their text.
CREATE TABLE conversations (
    channel     TEXT NOT NULL REFERENCES channels (name), -- where
    thread_ref  TEXT NOT NULL,                            -- the conversation as its channel names it
    order_id    INTEGER REFERENCES orders (id) ON DELETE SET NULL, -- the order, where it is known
    asked_at    INTEGER,                                  -- the oldest unanswered message of the buyer; NULL: none
    answered_at INTEGER,                                  -- our last answer
    updated_at  INTEGER NOT NULL,                         -- last change of the row
    PRIMARY KEY (channel, thread_ref)
) STRICT;
CREATE INDEX conversations_open ON conversations (asked_at) WHERE asked_at IS NOT NULL;

-- Stop switches. They hold, they never drop.
CREATE TABLE switches (
    channel TEXT NOT NULL,    -- '' is every channel
    step    TEXT NOT NULL,    -- '' is every step
    covers  TEXT NOT NULL,    -- relationship, or all
    cause   TEXT NOT NULL,    -- operator, or breaker
    reason  TEXT NOT NULL,    -- why, for people
    actor   TEXT NOT NULL,    -- who
    set_at  INTEGER NOT NULL, -- since
    ends_at INTEGER,          -- until; NULL: until somebody lifts it
    PRIMARY KEY (channel, step, covers, cause),
    CHECK (covers IN ('relationship', 'all')),
    CHECK (cause IN ('operator', 'breaker'))
) STRICT;

-- Jobs only one worker at a time may do: polling a source, the purge.
CREATE TABLE leases (
    name           TEXT NOT NULL PRIMARY KEY, -- the job
    worker         TEXT NOT NULL,             -- who holds it
    lease_until_at INTEGER NOT NULL,          -- until
    fence          INTEGER NOT NULL           -- counts the changes of hands
) STRICT;

-- Values the installation made for itself: its id, the salt of keyed hashes.
CREATE TABLE settings (
    name       TEXT NOT NULL PRIMARY KEY, -- which
    value      TEXT NOT NULL,             -- what
    created_at INTEGER NOT NULL           -- since
) STRICT;

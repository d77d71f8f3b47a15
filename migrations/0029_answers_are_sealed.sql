-- Every kept answer is encrypted now with a key made from the caller's own. Those before cannot be told from them; whoever
-- repeats a request over this migration is answered as if for the first time.
DELETE FROM kernel.idempotency;

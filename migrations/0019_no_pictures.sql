-- Nobody read what was noted of a camera's pictures; they are passed over as they arrive.
ALTER TABLE gateway.spool DROP COLUMN pictures;

-- What a place in the line is for is its space; which listing lends that is looked at when it is offered.
ALTER TABLE reservation.wait DROP COLUMN listing;
-- Slots of listings that lend no more, which stood in the way of whoever lends the space next.
DELETE FROM reservation.share_slot AS slot USING reservation.listing AS lent
WHERE lent.id = slot.listing AND lent.state <> 'approved';

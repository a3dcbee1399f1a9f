-- What arrived for one authority since some day is asked for often.

CREATE INDEX consignment_by_authority ON consignment (authority, received_at);

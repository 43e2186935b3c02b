DROP TABLE devices;
DROP TABLE revocations;

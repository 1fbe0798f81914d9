-- Fraud detection on card transactions, as `penstock demo` runs it. The events are JSON in the topic `transactions`:
--   {"transaction_id":"t-1042","user_id":"u-17","amount":129.5,"timestamp":"2026-01-02T03:04:05.678","merchant":"Kiosk 7","category":"groceries"}
-- A transaction whose amount is not above zero is a failed one.

CREATE TABLE transactions (
  transaction_id STRING,
  user_id        STRING,
  amount         DOUBLE,
  `timestamp`    TIMESTAMP(3),
  merchant       STRING,
  category       STRING,
  WATERMARK FOR `timestamp` AS `timestamp` - INTERVAL '2' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'transactions',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'scan.startup.mode' = 'earliest-offset'
);

-- Spend per category and minute, of transactions above 1,000.
CREATE MATERIALIZED VIEW spend_per_minute AS
SELECT window_start, window_end, category, SUM(amount) AS total, COUNT(*) AS transactions
FROM TABLE(TUMBLE(TABLE transactions, DESCRIPTOR(`timestamp`), INTERVAL '1' MINUTE))
WHERE amount > 1000
GROUP BY window_start, window_end, category;

-- Running totals per merchant.
CREATE MATERIALIZED VIEW merchant_totals AS
SELECT merchant, COUNT(*) AS transactions, SUM(amount) AS total, MAX(amount) AS largest
FROM transactions
WHERE amount > 0
GROUP BY merchant;

-- Suspicious transactions go on to a topic of their own, for any Kafka consumer.
CREATE TABLE alerts (
  transaction_id STRING,
  user_id        STRING,
  amount         DOUBLE,
  `timestamp`    TIMESTAMP(3),
  merchant       STRING,
  category       STRING
) WITH (
  'connector' = 'kafka',
  'topic' = 'alerts',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

INSERT INTO alerts
SELECT transaction_id, user_id, amount, `timestamp`, merchant, category
FROM transactions
WHERE amount > 10000;

-- The share of failed transactions in the last ten seconds that are complete.
CREATE MATERIALIZED VIEW error_rate WITH ('metric' = 'true') AS
SELECT LAST_VALUE(failed / total) AS error_rate
FROM (
  SELECT window_end, CAST(COUNT(*) FILTER (WHERE amount <= 0) AS DOUBLE) AS failed, COUNT(*) AS total
  FROM TABLE(TUMBLE(TABLE transactions, DESCRIPTOR(`timestamp`), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end
);

CREATE ALERT high_error_rate SEVERITY 'HIGH' NOTIFY log AS
SELECT error_rate FROM error_rate WHERE error_rate > 0.05;

package penstock;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.Properties;

/** Jdbc ADDRESS TABLE TOPIC: what applications do through JDBC; prints "what: result" by line. */
public final class Jdbc {
  private static void print(String what, Object result) {
    System.out.println(what + ": " + result);
  }

  public static void main(String[] args) throws Exception {
    var properties = new Properties();
    properties.put("user", "me");
    properties.put("connectTimeout", "10");
    properties.put("ApplicationName", "jdbc tests");
    String url = "jdbc:postgresql://" + args[0] + "/d";
    try (Connection connection = DriverManager.getConnection(url, properties)) {
      connection(connection);
      types(connection);
      parameters(connection);
      prepared(connection);
      table(connection, args[1], args[2]);
      errors(connection);
      transactions(connection, args[1]);
      timeout(connection, args[1]);
    }
    properties.put("preferQueryMode", "simple");
    try (Connection connection = DriverManager.getConnection(url, properties);
        PreparedStatement statement = connection.prepareStatement("SELECT CAST(? AS INT) + 1")) {
      statement.setInt(1, 41);
      print("simple mode", single(statement));
    }
  }

  private static Object single(PreparedStatement statement) throws SQLException {
    try (ResultSet rows = statement.executeQuery()) {
      rows.next();
      return rows.getObject(1);
    }
  }

  private static void connection(Connection connection) throws SQLException {
    var meta = connection.getMetaData();
    print("product", meta.getDatabaseProductName() + " " + meta.getDatabaseMajorVersion());
    print("valid", connection.isValid(5));
    print("isolation", connection.getTransactionIsolation() == Connection.TRANSACTION_READ_COMMITTED);
    print("schema", connection.getSchema());
    print("catalog", connection.getCatalog());
    connection.setReadOnly(true);
    connection.setReadOnly(false);
  }

  private static void types(Connection connection) throws SQLException {
    String query =
        "SELECT CAST(1 AS SMALLINT), 2, CAST(3 AS BIGINT), CAST(1.5 AS FLOAT), CAST(2.5 AS DOUBLE),"
            + " CAST(-12.50 AS DECIMAL(10, 2)), 'h\u00e9', x'00ff', TRUE, DATE '2026-01-02',"
            + " TIMESTAMP '2026-01-02 03:04:05.678', CAST(NULL AS INT)";
    try (PreparedStatement statement = connection.prepareStatement(query)) {
      // The driver asks for binary results from the fifth time on.
      for (int i = 0; i < 7; ++i) {
        try (ResultSet rows = statement.executeQuery()) {
          rows.next();
          var out = new StringBuilder();
          for (int column = 1; column <= rows.getMetaData().getColumnCount(); ++column) {
            Object value = rows.getObject(column);
            out.append(value instanceof byte[] bytes ? Arrays.toString(bytes) : value).append(' ');
          }
          if (i == 0 || i == 6) print("types " + i, out.toString().strip());
          if (i == 6) {
            print("local", rows.getObject(11, LocalDateTime.class));
            print("precision", rows.getMetaData().getPrecision(6) + " " + rows.getMetaData().getScale(6));
          }
        }
      }
    }
  }

  private static void parameters(Connection connection) throws SQLException {
    String query =
        "SELECT CAST(? AS INT) + 1, CAST(? AS BIGINT), CAST(? AS DOUBLE), CAST(? AS DECIMAL(10, 2)), ? || '!',"
            + " CAST(? AS BOOLEAN), CAST(? AS DATE), CAST(? AS TIMESTAMP(3)), CAST(? AS INT)";
    try (PreparedStatement statement = connection.prepareStatement(query)) {
      for (int i = 0; i < 7; ++i) {
        statement.setInt(1, 41);
        statement.setLong(2, 1L << 40);
        statement.setDouble(3, 1.5);
        statement.setBigDecimal(4, new BigDecimal("-12.50"));
        statement.setString(5, "it's");
        statement.setBoolean(6, true);
        statement.setDate(7, Date.valueOf("2026-01-02"));
        statement.setTimestamp(8, Timestamp.valueOf("2026-01-02 03:04:05.678"));
        statement.setNull(9, Types.INTEGER);
        try (ResultSet rows = statement.executeQuery()) {
          rows.next();
          var out = new StringBuilder();
          for (int column = 1; column <= 9; ++column) out.append(rows.getObject(column)).append(' ');
          if (i == 0 || i == 6) print("parameters " + i, out.toString().strip());
        }
      }
    }
  }

  private static void prepared(Connection connection) throws SQLException {
    long sum = 0;
    try (PreparedStatement statement = connection.prepareStatement("SELECT CAST(? AS BIGINT) * 2")) {
      for (int i = 0; i < 100; ++i) {
        statement.setLong(1, i);
        sum += (Long) single(statement);
      }
    }
    print("prepared", sum);
  }

  private static void table(Connection connection, String table, String topic) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "CREATE TABLE " + table + " (id BIGINT, word STRING) WITH ('connector' = 'kafka', 'topic' = '" + topic
              + "', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset')");
      statement.execute("CREATE MATERIALIZED VIEW " + table + "_view AS SELECT id FROM " + table);
    }
    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO " + table + " VALUES (?, ?)")) {
      for (int i = 0; i < 100; ++i) {
        insert.setLong(1, i);
        insert.setString(2, "w" + i);
        insert.addBatch();
      }
      print("batch", Arrays.stream(insert.executeBatch()).sum());
    }
    // With a fetch size the driver keeps a portal open, in a transaction.
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.setFetchSize(7);
      long count = 0;
      long sum = 0;
      try (ResultSet rows = statement.executeQuery("SELECT id FROM " + table)) {
        for (; rows.next(); ++count) sum += rows.getLong(1);
      }
      print("fetched", count + " " + sum);
      statement.setMaxRows(3);
      try (ResultSet rows = statement.executeQuery("SELECT id FROM " + table)) {
        for (count = 0; rows.next(); ++count) {}
      }
      print("max rows", count);
    }
    connection.commit();
    connection.setAutoCommit(true);
  }

  private static void errors(Connection connection) throws SQLException {
    for (String query : new String[] {"SELECT nothing", "SELECT * FROM nothing", "SELECT", "SELECT 1 / 0"}) {
      try (Statement statement = connection.createStatement()) {
        statement.executeQuery(query);
        print(query, "no error");
      } catch (SQLException e) {
        print(query, e.getSQLState());
      }
    }
  }

  private static void transactions(Connection connection, String table) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.executeQuery("SELECT 1").close();
      var savepoint = connection.setSavepoint();
      try {
        statement.executeQuery("SELECT nothing");
      } catch (SQLException e) {
        connection.rollback(savepoint);
      }
      try (ResultSet rows = statement.executeQuery("SELECT 2")) {
        rows.next();
        print("after rollback", rows.getInt(1));
      }
      connection.commit();
      statement.execute("INSERT INTO " + table + " VALUES (1000, 'x')");
      connection.rollback();
    }
    connection.setAutoCommit(true);
  }

  private static void timeout(Connection connection, String table) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      statement.executeQuery("SUBSCRIBE " + table + "_view");
      print("timeout", "no error");
    } catch (SQLException e) {
      print("timeout", e.getSQLState());
    }
    print("valid again", connection.isValid(5));
  }
}

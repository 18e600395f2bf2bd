// Fastify with the AWS SDK for JavaScript v3; the client is created once.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import Fastify from "fastify";

const CONNECTIONS = 256; // as many as the benchmark opens; the SDK's default is 50

const { AWS_DEFAULT_REGION, DYNAMODB_ENDPOINT_URL, PORT, TABLE } = process.env;

const documents = DynamoDBDocumentClient.from(
  new DynamoDBClient({
    region: AWS_DEFAULT_REGION,
    endpoint: DYNAMODB_ENDPOINT_URL,
    requestHandler: { httpAgent: { keepAlive: true, maxSockets: CONNECTIONS } },
  }),
);

const app = Fastify();

app.get("/v1/user/profile", async (request, reply) => {
  const found = await documents.send(
    new QueryCommand({
      TableName: TABLE,
      KeyConditionExpression: "userId = :user",
      ExpressionAttributeValues: { ":user": request.headers["x-amzn-oidc-identity"] },
      ConsistentRead: true,
    }),
  );
  if (found.Items.length === 0) return reply.code(404).send();
  return found.Items[0];
});

await app.listen({ host: "127.0.0.1", port: Number(PORT) });

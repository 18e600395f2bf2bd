// Go's net/http with the AWS SDK for Go v2; the client is created once.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// As many as the benchmark opens; the SDK keeps 10 idle ones for each host by default.
const connections = 256

type profiles struct {
	client *dynamodb.Client
	table  string
}

// show returns the caller's profile.
func (p profiles) show(response http.ResponseWriter, request *http.Request) {
	found, err := p.client.Query(request.Context(), &dynamodb.QueryInput{
		TableName:              aws.String(p.table),
		KeyConditionExpression: aws.String("userId = :user"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":user": &types.AttributeValueMemberS{Value: request.Header.Get("X-Amzn-Oidc-Identity")},
		},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadGateway)
		return
	}
	if len(found.Items) == 0 {
		http.NotFound(response, request)
		return
	}
	var profile map[string]interface{}
	if err := attributevalue.UnmarshalMap(found.Items[0], &profile); err != nil {
		http.Error(response, err.Error(), http.StatusBadGateway)
		return
	}
	body, err := json.Marshal(profile)
	if err != nil {
		http.Error(response, err.Error(), http.StatusInternalServerError)
		return
	}
	response.Header().Set("Content-Type", "application/json")
	response.Write(body)
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "versions" {
		fmt.Printf("go %s\naws-sdk-go-v2 %s\n", strings.TrimPrefix(runtime.Version(), "go"), aws.SDKVersion)
		return
	}
	settings, err := config.LoadDefaultConfig(
		context.Background(),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(transport *http.Transport) {
			transport.MaxIdleConns = connections
			transport.MaxIdleConnsPerHost = connections
		})),
	)
	if err != nil {
		log.Fatal(err)
	}
	endpoint := dynamodb.EndpointResolverFromURL(os.Getenv("DYNAMODB_ENDPOINT_URL"))
	client := dynamodb.NewFromConfig(settings, dynamodb.WithEndpointResolver(endpoint))
	routes := http.NewServeMux()
	routes.HandleFunc("/v1/user/profile", profiles{client, os.Getenv("TABLE")}.show)
	server := http.Server{
		Addr:              "127.0.0.1:" + os.Getenv("PORT"),
		Handler:           routes,
		ReadHeaderTimeout: 10 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}

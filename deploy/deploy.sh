#!/usr/bin/env bash
# Creates or updates the stacks of deploy/cloudformation with the AWS CLI. Shows what a change set would do and
# executes it only when that has been confirmed.
#
# Variables of the environment:
#   STACK       name of the service's stack (user-profile-service); that of the data is STACK-data, that of the events
#               STACK-events
#   STACKS      what to deploy: "data service" (the default), or a list of data, service and events
#   YES         1 executes without asking, for pipelines
#   TableName, Image, DomainName, ...
#               a parameter of the templates. One that is not set keeps the value that the stack has, and has the
#               template's default in a new stack. Parameters of the others that the data stack has as outputs come
#               from there unless they are set.
set -euo pipefail
export AWS_PAGER=""
exec 3>&1

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
stack=${STACK:-user-profile-service}
# The outputs of data.yaml that are parameters of service.yaml and events.yaml; those of
# browsers, other services and the stream are missing without them.
data_outputs=" TableName UserPoolId ClientId BrowserClientId UserPoolDomain ServiceClientIds TableStreamArn "
change_set="deploy-$(date -u +%Y%m%dT%H%M%SZ)"

fail() {
  echo "$*" >&2
  exit 1
}

cfn() {
  aws cloudformation "$@"
}

# The status of a stack, or nothing where there is none.
status_of() {
  local answer
  if answer=$(cfn describe-stacks --stack-name "$1" --query 'Stacks[0].StackStatus' --output text 2>&1); then
    echo "$answer"
  elif [[ $answer != *"does not exist"* ]]; then
    fail "$answer"
  fi
}

json_string() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# has KEY LINES, value_of KEY LINES: look a key up in lines of KEY, tab, VALUE.
has() {
  [[ $'\n'$2 == *$'\n'"$1"$'\t'* ]]
}

value_of() {
  printf '%s\n' "$2" | awk -F '\t' -v key="$1" '$1 == key { print $2 }'
}

# parameters_of NAME TEMPLATE STATUS: the parameters as JSON; says which of them change.
parameters_of() {
  local name=$1 template=$2 status=$3 key value names current="" data="" data_status="" separator=""
  if [[ $status ]]; then
    current=$(cfn describe-stacks --stack-name "$name" \
      --query 'Stacks[0].Parameters[].[ParameterKey, ParameterValue]' --output text) || exit
  fi
  if [[ $template != data ]]; then
    data_status=$(status_of "$stack-data") || exit
  fi
  if [[ $data_status ]]; then
    data=$(cfn describe-stacks --stack-name "$stack-data" \
      --query 'Stacks[0].Outputs[].[OutputKey, OutputValue]' --output text) || exit
  fi
  names=$(cfn get-template-summary --template-body "file://$here/cloudformation/$template.yaml" \
    --query 'Parameters[].ParameterKey' --output text) || exit
  printf '['
  for key in $names; do
    if [[ ${!key+set} ]]; then
      value=${!key}
    elif [[ $data_status && $data_outputs == *" $key "* ]]; then
      value=$(value_of "$key" "$data")
    elif has "$key" "$current"; then
      printf '%s{"ParameterKey": "%s", "UsePreviousValue": true}' "$separator" "$key"
      separator=", "
      continue
    else
      continue
    fi
    if [[ $status && $value != "$(value_of "$key" "$current")" ]]; then
      echo "$name: $key changes from '$(value_of "$key" "$current")' to '$value'" >&3
    fi
    printf '%s{"ParameterKey": "%s", "ParameterValue": %s}' "$separator" "$key" "$(json_string "$value")"
    separator=", "
  done
  printf ']'
}

# discard NAME TYPE: delete the change set, and the empty stack that it made.
discard() {
  cfn delete-change-set --stack-name "$1" --change-set-name "$change_set"
  if [[ $2 == CREATE ]]; then
    local status
    status=$(status_of "$1")
    if [[ $status == REVIEW_IN_PROGRESS ]]; then cfn delete-stack --stack-name "$1"; fi
  fi
}

confirmed() {
  local answer=""
  if [[ ${YES:-} == 1 ]]; then return 0; fi
  printf 'Execute? [y/N] '
  read -r answer || true
  [[ $answer == y || $answer == yes ]]
}

# deploy NAME TEMPLATE
deploy() {
  local name=$1 template=$2 status type waiter parameters reason
  status=$(status_of "$name")
  case $status in
    "" | REVIEW_IN_PROGRESS) status="" type=CREATE waiter=stack-create-complete ;;
    ROLLBACK_COMPLETE | ROLLBACK_FAILED | CREATE_FAILED | DELETE_FAILED)
      fail "The stack $name is $status and can't be updated. Its events say why; then delete it:
  aws cloudformation delete-stack --stack-name $name" ;;
    *_IN_PROGRESS) fail "The stack $name is $status. Wait until it is done." ;;
    *) type=UPDATE waiter=stack-update-complete ;;
  esac
  parameters=$(parameters_of "$name" "$template" "$status")
  cfn create-change-set --stack-name "$name" --change-set-name "$change_set" --change-set-type "$type" \
    --template-body "file://$here/cloudformation/$template.yaml" --parameters "$parameters" \
    --capabilities CAPABILITY_IAM >/dev/null
  if ! cfn wait change-set-create-complete --stack-name "$name" --change-set-name "$change_set" 2>/dev/null; then
    reason=$(cfn describe-change-set --stack-name "$name" --change-set-name "$change_set" \
      --query StatusReason --output text)
    discard "$name" "$type"
    if [[ $reason == *"didn't contain changes"* || $reason == *"No updates are to be performed"* ]]; then
      echo "$name: no changes"
      return
    fi
    fail "$name: $reason"
  fi

  echo "$name ($type): action, resource, type, whether it is replaced, what changes of it"
  cfn describe-change-set --stack-name "$name" --change-set-name "$change_set" --output text \
    --query "Changes[].ResourceChange.[Action, LogicalResourceId, ResourceType, Replacement || '-', \
      join(',', Scope || \`[]\`)]"
  if ! confirmed; then
    discard "$name" "$type"
    fail "$name: nothing was changed"
  fi
  cfn execute-change-set --stack-name "$name" --change-set-name "$change_set"
  echo "$name: waiting; the console and 'aws cloudformation describe-stack-events' show each step"
  if ! cfn wait "$waiter" --stack-name "$name"; then
    cfn describe-stack-events --stack-name "$name" --output text --query \
      "StackEvents[?ends_with(ResourceStatus, '_FAILED')].[LogicalResourceId, ResourceStatusReason]" >&2
    fail "$name: $(status_of "$name")"
  fi
  cfn describe-stacks --stack-name "$name" --output text --query 'Stacks[0].Outputs[].[OutputKey, OutputValue]'
}

for template in ${STACKS:-data service}; do
  case $template in
    data) deploy "$stack-data" data ;;
    service) deploy "$stack" service ;;
    events) deploy "$stack-events" events ;;
    *) fail "STACKS is a list of data, service and events, and not $template" ;;
  esac
done

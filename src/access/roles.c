/*
 * Roles that Azure has built in, with its ids and action strings.
 * Source: iann0036/iam-dataset, azure/built-in-roles-raw.json at 2073fa5 (2026-08-22).
 */
#include "access/roles.h"

#define ACR  "Microsoft.ContainerRegistry/registries/"
#define ACI  "Microsoft.ContainerInstance/"
#define KV   "Microsoft.KeyVault/vaults/"
#define ST   "Microsoft.Storage/storageAccounts/"
#define AUTH "Microsoft.Authorization/"

static const char *const none[] = { NULL };

static const char *const owner_actions[] = { "*", NULL };

static const char *const contributor_actions[] = { "*", NULL };

static const char *const contributor_not_actions[] = {
    AUTH "*/Delete",
    AUTH "*/Write",
    AUTH "elevateAccess/Action",
    "Microsoft.Blueprint/blueprintAssignments/write",
    "Microsoft.Blueprint/blueprintAssignments/delete",
    "Microsoft.Compute/galleries/share/action",
    "Microsoft.Purview/consents/write",
    "Microsoft.Purview/consents/delete",
    "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
    "Microsoft.Subscription/cancel/action",
    "Microsoft.Subscription/enable/action",
    NULL
};

static const char *const reader_actions[] = { "*/read", NULL };

static const char *const user_access_administrator_actions[] = { "*/read", AUTH "*",
                                                                 "Microsoft.Support/*", NULL };

static const char *const role_based_access_control_administrator_actions[] = {
    AUTH "roleAssignments/write", AUTH "roleAssignments/delete", "*/read", "Microsoft.Support/*",
    NULL
};

static const char *const acrpull_actions[] = { ACR "pull/read", NULL };

static const char *const acrpush_actions[] = { ACR "pull/read", ACR "push/write", NULL };

static const char *const acrdelete_actions[] = { ACR "artifacts/delete", NULL };

static const char *const acrimagesigner_actions[] = { ACR "sign/write", NULL };

static const char *const acrimagesigner_data_actions[] = { ACR "trustedCollections/write", NULL };

static const char *const acrquarantinereader_actions[] = { ACR "quarantine/read", NULL };

static const char *const acrquarantinereader_data_actions[] = { ACR "quarantinedArtifacts/read",
                                                                NULL };

static const char *const acrquarantinewriter_actions[] = { ACR "quarantine/read",
                                                           ACR "quarantine/write", NULL };

static const char *const acrquarantinewriter_data_actions[] = { ACR "quarantinedArtifacts/read",
                                                                ACR "quarantinedArtifacts/write",
                                                                NULL };

static const char *const container_registry_repository_reader_data_actions[] = {
    ACR "repositories/metadata/read", ACR "repositories/content/read", NULL
};

static const char *const container_registry_repository_writer_data_actions[] = {
    ACR "repositories/metadata/read", ACR "repositories/content/read",
    ACR "repositories/metadata/write", ACR "repositories/content/write", NULL
};

static const char *const container_registry_repository_contributor_data_actions[] = {
    ACR "repositories/metadata/read",
    ACR "repositories/content/read",
    ACR "repositories/metadata/write",
    ACR "repositories/content/write",
    ACR "repositories/metadata/delete",
    ACR "repositories/content/delete",
    NULL
};

static const char *const container_registry_repository_catalog_lister_data_actions[] = {
    ACR "catalog/read", NULL
};

static const char *const container_registry_contributor_and_data_access_c_actions[] = {
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    ACR "operationStatuses/read",
    ACR "read",
    ACR "write",
    ACR "delete",
    ACR "listCredentials/action",
    ACR "regenerateCredential/action",
    ACR "generateCredentials/action",
    ACR "replications/read",
    ACR "replications/write",
    ACR "replications/delete",
    ACR "replications/operationStatuses/read",
    ACR "privateEndpointConnectionsApproval/action",
    ACR "privateEndpointConnections/read",
    ACR "privateEndpointConnections/write",
    ACR "privateEndpointConnections/delete",
    ACR "privateEndpointConnections/operationStatuses/read",
    ACR "tokens/read",
    ACR "tokens/write",
    ACR "tokens/delete",
    ACR "tokens/operationStatuses/read",
    ACR "scopeMaps/read",
    ACR "scopeMaps/write",
    ACR "scopeMaps/delete",
    ACR "scopeMaps/operationStatuses/read",
    ACR "providers/Microsoft.Insights/diagnosticSettings/read",
    ACR "providers/Microsoft.Insights/diagnosticSettings/write",
    ACR "providers/Microsoft.Insights/logDefinitions/read",
    ACR "providers/Microsoft.Insights/metricDefinitions/read",
    "Microsoft.Resources/deployments/*",
    AUTH "*/read",
    ACR "connectedRegistries/read",
    ACR "connectedRegistries/write",
    ACR "connectedRegistries/delete",
    ACR "connectedRegistries/deactivate/action",
    ACR "connectedRegistries/resync/action",
    ACR "webhooks/read",
    ACR "webhooks/write",
    ACR "webhooks/delete",
    ACR "webhooks/getCallbackConfig/action",
    ACR "webhooks/ping/action",
    ACR "webhooks/listEvents/action",
    ACR "webhooks/operationStatuses/read",
    "Microsoft.Insights/AlertRules/Write",
    "Microsoft.Insights/AlertRules/Delete",
    "Microsoft.Insights/AlertRules/Read",
    "Microsoft.Insights/AlertRules/Activated/Action",
    "Microsoft.Insights/AlertRules/Resolved/Action",
    "Microsoft.Insights/AlertRules/Throttled/Action",
    "Microsoft.Insights/AlertRules/Incidents/Read",
    "Microsoft.ContainerRegistry/locations/operationResults/read",
    "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
    "Microsoft.Network/virtualNetworks/subnets/read",
    "Microsoft.Network/virtualNetworks/subnets/write",
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/privateEndpoints/privateLinkServiceProxies/write",
    "Microsoft.Network/privateEndpoints/privateLinkServiceProxies/read",
    "Microsoft.Network/privateEndpoints/privateLinkServiceProxies/delete",
    "Microsoft.Support/*",
    NULL
};

static const char *const container_registry_configuration_reader_and_data_actions[] = {
    ACR "operationStatuses/read",
    ACR "read",
    ACR "privateEndpointConnections/read",
    ACR "privateEndpointConnections/operationStatuses/read",
    ACR "listCredentials/action",
    ACR "tokens/read",
    ACR "tokens/operationStatuses/read",
    ACR "scopeMaps/read",
    ACR "scopeMaps/operationStatuses/read",
    ACR "webhooks/read",
    ACR "webhooks/getCallbackConfig/action",
    ACR "webhooks/listEvents/action",
    ACR "webhooks/operationStatuses/read",
    ACR "replications/read",
    ACR "replications/operationStatuses/read",
    ACR "connectedRegistries/read",
    ACR "providers/Microsoft.Insights/diagnosticSettings/read",
    ACR "providers/Microsoft.Insights/diagnosticSettings/write",
    ACR "providers/Microsoft.Insights/logDefinitions/read",
    ACR "providers/Microsoft.Insights/metricDefinitions/read",
    "Microsoft.Insights/AlertRules/Write",
    "Microsoft.Insights/AlertRules/Delete",
    "Microsoft.Insights/AlertRules/Read",
    "Microsoft.Insights/AlertRules/Activated/Action",
    "Microsoft.Insights/AlertRules/Resolved/Action",
    "Microsoft.Insights/AlertRules/Throttled/Action",
    "Microsoft.Insights/AlertRules/Incidents/Read",
    "Microsoft.Resources/deployments/read",
    "Microsoft.Resources/deployments/*/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Network/privateEndpoints/privateLinkServiceProxies/read",
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/virtualNetworks/subnets/read",
    NULL
};

static const char *const container_registry_data_importer_and_data_reader_actions[] = {
    ACR "importImage/action", ACR "read", ACR "pull/read", NULL
};

static const char *const container_registry_data_importer_and_data_reader_data_actions[] = {
    ACR "repositories/content/read", ACR "repositories/metadata/read", ACR "catalog/read", NULL
};

static const char *const container_registry_tasks_contributor_actions[] = {
    ACR "agentpools/read",
    ACR "agentpools/write",
    ACR "agentpools/delete",
    ACR "agentpools/listQueueStatus/action",
    ACR "agentpools/operationResults/status/read",
    ACR "agentpools/operationStatuses/read",
    ACR "tasks/read",
    ACR "tasks/write",
    ACR "tasks/delete",
    ACR "tasks/listDetails/action",
    ACR "scheduleRun/action",
    ACR "listBuildSourceUploadUrl/action",
    ACR "runs/read",
    ACR "runs/write",
    ACR "runs/listLogSasUrl/action",
    ACR "runs/cancel/action",
    ACR "taskruns/read",
    ACR "taskruns/write",
    ACR "taskruns/delete",
    ACR "taskruns/listDetails/action",
    ACR "taskruns/operationStatuses/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    ACR "read",
    NULL
};

static const char *const container_registry_transfer_pipeline_contributor_actions[] = {
    ACR "exportPipelines/read",
    ACR "exportPipelines/write",
    ACR "exportPipelines/delete",
    ACR "importPipelines/read",
    ACR "importPipelines/write",
    ACR "importPipelines/delete",
    ACR "pipelineRuns/read",
    ACR "pipelineRuns/write",
    ACR "pipelineRuns/delete",
    ACR "pipelineRuns/operationStatuses/read",
    NULL
};

static const char *const container_registry_cache_rule_administrator_actions[] = {
    ACR "cacheRules/read", ACR "cacheRules/write", ACR "cacheRules/delete",
    ACR "cacheRules/operationStatuses/read", NULL
};

static const char *const container_registry_cache_rule_reader_actions[] = { ACR "cacheRules/read",
                                                                            NULL };

static const char *const container_registry_credential_set_administrator_actions[] = {
    ACR "credentialSets/read", ACR "credentialSets/write", ACR "credentialSets/delete",
    ACR "credentialSets/operationStatuses/read", NULL
};

static const char *const container_registry_credential_set_reader_actions[] = {
    ACR "credentialSets/read", NULL
};

static const char *const azure_container_instances_contributor_role_actions[] = {
    ACI "containerGroups/*",
    "Microsoft.Resources/deployments/*",
    AUTH "*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    NULL
};

static const char *const monitoring_reader_actions[] = {
    "*/read", "Microsoft.OperationalInsights/workspaces/search/action", "Microsoft.Support/*", NULL
};

static const char *const resource_policy_contributor_actions[] = {
    "*/read",
    AUTH "policyassignments/*",
    AUTH "policydefinitions/*",
    AUTH "policyexemptions/*",
    AUTH "policyenrollments/*",
    AUTH "policysetdefinitions/*",
    "Microsoft.PolicyInsights/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Support/*",
    NULL
};

static const char *const key_vault_administrator_actions[] = {
    AUTH "*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    KV "*/read",
    "Microsoft.KeyVault/operations/read",
    NULL
};

static const char *const key_vault_administrator_data_actions[] = { KV "*", NULL };

static const char *const key_vault_reader_actions[] = {
    AUTH "*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    KV "*/read",
    "Microsoft.KeyVault/operations/read",
    NULL
};

static const char *const key_vault_reader_data_actions[] = { KV "*/read",
                                                             KV "secrets/readMetadata/action",
                                                             NULL };

static const char *const key_vault_contributor_actions[] = {
    AUTH "*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.KeyVault/*",
    NULL
};

static const char *const key_vault_contributor_not_actions[] = {
    "Microsoft.KeyVault/locations/deletedVaults/purge/action", "Microsoft.KeyVault/hsmPools/*",
    "Microsoft.KeyVault/managedHsms/*", NULL
};

static const char *const key_vault_secrets_officer_actions[] = {
    AUTH "*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    KV "*/read",
    "Microsoft.KeyVault/operations/read",
    NULL
};

static const char *const key_vault_secrets_officer_data_actions[] = { KV "secrets/*", NULL };

static const char *const key_vault_secrets_user_data_actions[] = { KV "secrets/getSecret/action",
                                                                   KV "secrets/readMetadata/action",
                                                                   NULL };

static const char *const key_vault_crypto_officer_actions[] = {
    AUTH "*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    KV "*/read",
    "Microsoft.KeyVault/operations/read",
    NULL
};

static const char *const key_vault_crypto_officer_data_actions[] = { KV "keys/*",
                                                                     KV "keyrotationpolicies/*",
                                                                     NULL };

static const char *const key_vault_crypto_user_data_actions[] = {
    KV "keys/read",           KV "keys/update/action",
    KV "keys/backup/action",  KV "keys/encrypt/action",
    KV "keys/decrypt/action", KV "keys/wrap/action",
    KV "keys/unwrap/action",  KV "keys/sign/action",
    KV "keys/verify/action",  NULL
};

static const char *const key_vault_crypto_service_encryption_user_actions[] = {
    "Microsoft.EventGrid/eventSubscriptions/write", "Microsoft.EventGrid/eventSubscriptions/read",
    "Microsoft.EventGrid/eventSubscriptions/delete", NULL
};

static const char *const key_vault_crypto_service_encryption_user_data_actions[] = {
    KV "keys/read", KV "keys/wrap/action", KV "keys/unwrap/action", NULL
};

static const char *const key_vault_certificates_officer_actions[] = {
    AUTH "*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    KV "*/read",
    "Microsoft.KeyVault/operations/read",
    NULL
};

static const char *const key_vault_certificates_officer_data_actions[] = {
    KV "certificatecas/*", KV "certificates/*", KV "certificatecontacts/write", NULL
};

static const char *const managed_identity_operator_actions[] = {
    AUTH "*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
    NULL
};

static const char *const managed_identity_contributor_actions[] = {
    AUTH "*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.ManagedIdentity/userAssignedIdentities/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/write",
    "Microsoft.ManagedIdentity/userAssignedIdentities/delete",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete",
    "Microsoft.ManagedIdentity/userAssignedIdentities/revokeTokens/action",
    NULL
};

static const char *const storage_account_contributor_actions[] = {
    AUTH "*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.Insights/diagnosticSettings/*",
    "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
    "Microsoft.ResourceHealth/availabilityStatuses/read",
    ST "*",
    NULL
};

static const char *const storage_account_key_operator_service_role_actions[] = {
    ST "listkeys/action", ST "regeneratekey/action", NULL
};

static const char *const storage_file_data_smb_share_reader_data_actions[] = {
    ST "fileServices/fileshares/files/read", NULL
};

static const char *const storage_file_data_smb_share_contributor_data_actions[] = {
    ST "fileServices/fileshares/files/read", ST "fileServices/fileshares/files/write",
    ST "fileServices/fileshares/files/delete", NULL
};

static const char *const storage_file_data_smb_share_elevated_contributor_data_actions[] = {
    ST "fileServices/fileshares/files/read", ST "fileServices/fileshares/files/write",
    ST "fileServices/fileshares/files/delete",
    ST "fileServices/fileshares/files/modifypermissions/action", NULL
};

static const char *const storage_file_data_privileged_reader_data_actions[] = {
    ST "fileServices/fileshares/files/read", ST "fileServices/readFileBackupSemantics/action", NULL
};

static const char *const storage_file_data_privileged_contributor_data_actions[] = {
    ST "fileServices/fileshares/files/read",
    ST "fileServices/fileshares/files/write",
    ST "fileServices/fileshares/files/delete",
    ST "fileServices/fileshares/files/modifypermissions/action",
    ST "fileServices/readFileBackupSemantics/action",
    ST "fileServices/writeFileBackupSemantics/action",
    NULL
};

static const char *const reader_and_data_access_actions[] = { ST "listKeys/action",
                                                              ST "ListAccountSas/action", ST "read",
                                                              NULL };

const struct role roles_built_in[] = {
    { "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner",
      "Everything, including giving access to others", owner_actions, NULL, NULL },
    { "b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor",
      "Everything but giving access to others", contributor_actions, contributor_not_actions,
      NULL },
    { "acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", "See everything, change nothing",
      reader_actions, NULL, NULL },
    { "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator",
      "See everything and give access to others", user_access_administrator_actions, NULL, NULL },
    { "f58310d9-a9f6-439a-9e8d-f62e7b41a168", "Role Based Access Control Administrator",
      "Give and take role assignments", role_based_access_control_administrator_actions, NULL,
      NULL },
    { "7f951dda-4ed3-4680-a7ca-43fe172d538d", "AcrPull", "Pull images", acrpull_actions, NULL,
      NULL },
    { "8311e382-0749-4cb8-b61a-304f252e45ec", "AcrPush", "Pull and push images", acrpush_actions,
      NULL, NULL },
    { "c2f4ef07-c644-48eb-af81-4b1b4947fb11", "AcrDelete", "Delete images and tags",
      acrdelete_actions, NULL, NULL },
    { "6cef56e8-d556-48e5-a04f-b8e64114680f", "AcrImageSigner", "Sign images",
      acrimagesigner_actions, NULL, acrimagesigner_data_actions },
    { "cdda3590-29a3-44f6-95f2-9f980659eb04", "AcrQuarantineReader", "Pull images in quarantine",
      acrquarantinereader_actions, NULL, acrquarantinereader_data_actions },
    { "c8d4ff99-41c3-41a8-9f60-21dfdad59608", "AcrQuarantineWriter",
      "Pull and release images in quarantine", acrquarantinewriter_actions, NULL,
      acrquarantinewriter_data_actions },
    { "b93aa761-3e63-49ed-ac28-beffa264f7ac", "Container Registry Repository Reader",
      "Read repositories and their metadata", none, NULL,
      container_registry_repository_reader_data_actions },
    { "2a1e307c-b015-4ebd-883e-5b7698a07328", "Container Registry Repository Writer",
      "Read and write repositories and their metadata", none, NULL,
      container_registry_repository_writer_data_actions },
    { "2efddaa5-3f1f-4df3-97df-af3f13818f4c", "Container Registry Repository Contributor",
      "Read, write and delete in repositories", none, NULL,
      container_registry_repository_contributor_data_actions },
    { "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7", "Container Registry Repository Catalog Lister",
      "List the repositories of a registry", none, NULL,
      container_registry_repository_catalog_lister_data_actions },
    { "3bc748fc-213d-45c1-8d91-9da5725539b9",
      "Container Registry Contributor and Data Access Configuration Administrator",
      "Manage registries and who may reach their data",
      container_registry_contributor_and_data_access_c_actions, NULL, NULL },
    { "69b07be0-09bf-439a-b9a6-e73de851bd59",
      "Container Registry Configuration Reader and Data Access Configuration Reader",
      "See the configuration of registries",
      container_registry_configuration_reader_and_data_actions, NULL, NULL },
    { "577a9874-89fd-4f24-9dbd-b5034d0ad23a", "Container Registry Data Importer and Data Reader",
      "Import images and read them", container_registry_data_importer_and_data_reader_actions, NULL,
      container_registry_data_importer_and_data_reader_data_actions },
    { "fb382eab-e894-4461-af04-94435c366c3f", "Container Registry Tasks Contributor",
      "Manage the tasks of a registry", container_registry_tasks_contributor_actions, NULL, NULL },
    { "bf94e731-3a51-4a7c-8c54-a1ab9971dfc1", "Container Registry Transfer Pipeline Contributor",
      "Manage the transfer pipelines of a registry",
      container_registry_transfer_pipeline_contributor_actions, NULL, NULL },
    { "df87f177-bb12-4db1-9793-a413691eff94", "Container Registry Cache Rule Administrator",
      "Manage cache rules", container_registry_cache_rule_administrator_actions, NULL, NULL },
    { "c357b964-0002-4b64-a50d-7a28f02edc52", "Container Registry Cache Rule Reader",
      "See cache rules", container_registry_cache_rule_reader_actions, NULL, NULL },
    { "f094fb07-0703-4400-ad6a-e16dd8000e14", "Container Registry Credential Set Administrator",
      "Manage credential sets", container_registry_credential_set_administrator_actions, NULL,
      NULL },
    { "29093635-9924-4f2c-913b-650a12949526", "Container Registry Credential Set Reader",
      "See credential sets", container_registry_credential_set_reader_actions, NULL, NULL },
    { "5d977122-f97e-4b4d-a52f-6b43003ddb4d", "Azure Container Instances Contributor Role",
      "Run and manage container groups", azure_container_instances_contributor_role_actions, NULL,
      NULL },
    { "43d0d8ad-25c7-4714-9337-8ba259a9fe05", "Monitoring Reader", "See all monitoring data",
      monitoring_reader_actions, NULL, NULL },
    { "36243c78-bf99-498c-9df9-86d9f8d28608", "Resource Policy Contributor", "Manage policies",
      resource_policy_contributor_actions, NULL, NULL },
    { "00482a5a-887f-4fb3-b363-3b7fe8e74483", "Key Vault Administrator",
      "Everything in a key vault", key_vault_administrator_actions, NULL,
      key_vault_administrator_data_actions },
    { "21090545-7ca7-4776-b22c-e363652d74d2", "Key Vault Reader",
      "See what a key vault holds, but no secret", key_vault_reader_actions, NULL,
      key_vault_reader_data_actions },
    { "f25e0fa2-a7c8-4377-a976-54943a77a395", "Key Vault Contributor",
      "Manage key vaults, but not what they hold", key_vault_contributor_actions,
      key_vault_contributor_not_actions, NULL },
    { "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "Key Vault Secrets Officer", "Manage secrets",
      key_vault_secrets_officer_actions, NULL, key_vault_secrets_officer_data_actions },
    { "4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User", "Read secrets", none, NULL,
      key_vault_secrets_user_data_actions },
    { "14b46e9e-c2b7-41b4-b07b-48a6ebf60603", "Key Vault Crypto Officer", "Manage keys",
      key_vault_crypto_officer_actions, NULL, key_vault_crypto_officer_data_actions },
    { "12338af0-0e69-4776-bea7-57ae8d297424", "Key Vault Crypto User", "Use keys", none, NULL,
      key_vault_crypto_user_data_actions },
    { "e147488a-f6f5-4113-8e2d-b22465e65bf6", "Key Vault Crypto Service Encryption User",
      "Wrap and unwrap with keys", key_vault_crypto_service_encryption_user_actions, NULL,
      key_vault_crypto_service_encryption_user_data_actions },
    { "a4417e6f-fecd-4de8-b567-7b0420556985", "Key Vault Certificates Officer",
      "Manage certificates", key_vault_certificates_officer_actions, NULL,
      key_vault_certificates_officer_data_actions },
    { "f1a07417-d97a-45cb-824c-7a7467783830", "Managed Identity Operator",
      "Assign managed identities", managed_identity_operator_actions, NULL, NULL },
    { "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59", "Managed Identity Contributor",
      "Manage managed identities", managed_identity_contributor_actions, NULL, NULL },
    { "17d1049b-9a84-46fb-8f53-869881c3d3ab", "Storage Account Contributor",
      "Manage storage accounts", storage_account_contributor_actions, NULL, NULL },
    { "81a9662b-bebf-436f-a333-f67b29880f12", "Storage Account Key Operator Service Role",
      "List and renew the keys of storage accounts",
      storage_account_key_operator_service_role_actions, NULL, NULL },
    { "aba4ae5f-2193-4029-9191-0cb91df5e314", "Storage File Data SMB Share Reader",
      "Read files of a share", none, NULL, storage_file_data_smb_share_reader_data_actions },
    { "0c867c2a-1d8c-454a-a3db-ab2ea1bdc8bb", "Storage File Data SMB Share Contributor",
      "Read, write and delete files of a share", none, NULL,
      storage_file_data_smb_share_contributor_data_actions },
    { "a7264617-510b-434b-a828-9731dc254ea7", "Storage File Data SMB Share Elevated Contributor",
      "Read, write and delete files of a share and change their permissions", none, NULL,
      storage_file_data_smb_share_elevated_contributor_data_actions },
    { "b8eda974-7b85-4f76-af95-65846b26df6d", "Storage File Data Privileged Reader",
      "Read all files of a share", none, NULL, storage_file_data_privileged_reader_data_actions },
    { "69566ab7-960f-475b-8e7c-b3118f30c6bd", "Storage File Data Privileged Contributor",
      "Read, write and delete all files of a share", none, NULL,
      storage_file_data_privileged_contributor_data_actions },
    { "c12c1c16-33a1-487b-954d-41c89c60f349", "Reader and Data Access",
      "See storage accounts and their keys", reader_and_data_access_actions, NULL, NULL },
};

_Static_assert(sizeof(roles_built_in) / sizeof(roles_built_in[0]) == ROLES_COUNT,
               "count the roles");

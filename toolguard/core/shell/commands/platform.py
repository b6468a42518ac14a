"""Version control, containers, orchestration, clouds, infrastructure as code, CI and package registries."""

TABLE = """
@infrastructure.discards-work delete
git reset --hard = throws away all uncommitted changes
git clean -f|--force !-n = deletes untracked files for good
git checkout . = throws away changes in the working tree
git checkout -f|--force = throws away changes in the working tree
git restore . !--staged|-S = throws away changes in the working tree
git restore --source|-s !--staged = replaces files by an older version
git stash drop|clear = deletes stashed changes
git branch -D = deletes a branch even if it is not merged
git worktree remove --force|-f = deletes a working tree with its changes
git update-ref -d = deletes a reference
git reflog expire|delete = deletes the record that lost work is found by
git gc --prune* = deletes unreachable objects
git prune = deletes unreachable objects
git filter-branch|filter-repo = rewrites the whole history
git rm -r --force|-f = deletes tracked files and their changes
svn revert -R = throws away all local changes
hg update|up -C|--clean = throws away all local changes
hg purge = deletes untracked files
hg strip = deletes commits

@infrastructure.rewrites-history write
git push --force|-f|--force-with-lease|--mirror = overwrites history that others have
git push --delete|-d|--prune = deletes a branch or tag that others have
git push * +* = overwrites history that others have
git push * :* = deletes a branch or tag that others have

@infrastructure.deletes delete
docker|podman|nerdctl rm -f|--force|-v|--volumes = removes containers that may be running, or their data
docker|podman|nerdctl container rm = removes containers
docker|podman|nerdctl rmi -f|--force = removes images even if they are used
docker|podman|nerdctl image rm = removes images
docker|podman|nerdctl volume rm|prune = deletes volumes and the data in them
docker|podman|nerdctl network rm|prune = removes networks
docker|podman|nerdctl system|image|container|builder prune -f|--force|--volumes = deletes everything that is not in use
docker|podman|nerdctl kill = kills running containers
docker|podman|nerdctl swarm leave --force = takes the node out of its swarm
docker|podman|nerdctl stack|service|secret|config|node rm = removes parts of a swarm
docker-compose|docker rm|compose -f -v ~down = removes containers and their data
docker-compose down -v|--volumes|--rmi = removes containers and the data in their volumes
docker compose down -v|--volumes|--rmi = removes containers and the data in their volumes
docker-compose rm -f|-s|-v = removes containers
medium kubectl|oc delete pod|pods|po|job|jobs = deletes pods or jobs
kubectl|oc delete = deletes objects of the cluster
kubectl|oc drain = moves all work off a node
kubectl|oc cordon = closes a node for new work
kubectl|oc replace --force = deletes and creates objects again
kubectl|oc scale --replicas=0 = stops all copies of a workload
kubectl|oc taint = keeps work off a node
kubectl|oc rollout undo = puts an earlier version into service
helm uninstall|delete|del = removes a release with its objects
helm rollback = puts an earlier version into service
critical terraform|tofu|terragrunt destroy = destroys all managed infrastructure
critical terraform|tofu|terragrunt apply -destroy|--destroy = destroys all managed infrastructure
terraform|tofu|terragrunt state rm|push|mv|replace-provider = changes what the tool believes to exist
terraform|tofu|terragrunt workspace delete = deletes a workspace
terraform|tofu|terragrunt force-unlock = breaks a lock that somebody holds
terraform|tofu|terragrunt taint = marks a resource for destruction
terraform|tofu|terragrunt run-all|* ~destroy = destroys all managed infrastructure
critical pulumi destroy = destroys all managed infrastructure
pulumi stack rm = deletes a stack
pulumi state delete = changes what the tool believes to exist
cdk|cdktf|sst|serverless|sls|copilot|amplify destroy|remove|delete = destroys deployed infrastructure
cdk|cdktf deploy --require-approval = deploys without the review step
critical aws s3 rb = deletes a bucket
aws s3 rm --recursive = deletes every object below a prefix
aws s3 rm = deletes an object
aws s3 sync --delete = deletes at the destination what the source does not have
aws s3 mv = moves objects
aws * delete*|batch-delete*|terminate*|deregister*|purge*|destroy*|remove*|revoke*|disable*|release*|detach*|cancel*|reset*|stop* = removes or stops something in the cloud account
aws cloudfront create-invalidation = empties the cache of a distribution
aws s3api put-bucket-lifecycle*|put-bucket-versioning = changes when objects are deleted
aws rds|dynamodb|ec2|redshift modify*|restore*|reboot* = changes a running database or machine
gcloud ~delete = deletes something in the cloud project
gcloud storage rm = deletes objects
gcloud ~remove-iam-policy-binding|~disable|~destroy|~reset = removes or stops something in the cloud project
gsutil rb = deletes a bucket
gsutil rm = deletes objects
gsutil rsync -d = deletes at the destination what the source does not have
bq rm = deletes a dataset or table
az ~delete|~delete-batch|~purge|~remove|~untag|~deallocate|~stop|~disable = removes or stops something in the cloud account
az storage blob|container|account|share|table|queue delete* = deletes stored objects
azcopy remove|rm = deletes stored objects
azcopy sync --delete-destination|--delete-destination=true = deletes at the destination what the source does not have
doctl|hcloud|linode-cli|ibmcloud|oci|aliyun|openstack|exo|scw|civo ~delete|~destroy|~terminate|~rm|~remove = removes something in the cloud account
eksctl delete = deletes a cluster or its parts
minikube|kind|k3d|k3s delete = deletes a local cluster
rclone purge|delete|deletefile|rmdirs|cleanup|dedupe = deletes stored files
rclone sync|move|moveto !--dry-run|-n = deletes files at one of the two ends
rclone bisync --resync|--force = overwrites files at one of the two ends
restic forget|prune|unlock = deletes backups
restic rewrite|repair = changes backups
borg delete|prune|compact|recreate|rdelete|repo-delete|break-lock = deletes or changes backups
duplicity remove-* = deletes backups
tarsnap -d|--nuke = deletes backups
velero ~delete = deletes backups of the cluster
velero restore create = overwrites objects by a backup
etcdctl del = deletes keys of the cluster store
etcdctl snapshot restore = overwrites the cluster store
consul kv delete = deletes configuration
consul force-leave|leave = takes a node out of the cluster
nomad stop|~stop|~purge|~delete = stops work of the cluster
nomad job stop = stops work of the cluster
nomad node drain = moves all work off a node
mc rm|rb|mirror --remove|--force = deletes stored objects
mc rb = deletes a bucket
mc rm -r|--recursive = deletes stored objects
s3cmd del|rb|rm|expire = deletes stored objects
wrangler ~delete|~purge = deletes something at the hosting service
vercel|netlify|heroku|fly|flyctl|render|railway|firebase|supabase ~delete|~destroy|~rm|~remove|~remove-*|apps:destroy|pg:reset|~reset = deletes something at the hosting service
heroku apps:destroy|pg:reset|addons:destroy|pg:killall|domains:remove = deletes an app or its database
firebase firestore:delete|database:remove|functions:delete|hosting:disable = deletes hosted data
gh repo delete|archive = deletes or closes a repository
gh release|run|secret|variable|cache|gist|issue|label|ssh-key|gpg-key|codespace|project delete|remove = deletes something in a repository
gh api -X|--method ~delete = deletes through the API
glab repo delete|archive = deletes or closes a repository
glab release|variable|ci|issue|label|mr|schedule|ssh-key delete = deletes something in a repository
glab api -X|--method ~delete = deletes through the API
circleci ~delete|~remove-secret = deletes something of the build service
gitlab-runner unregister = takes a build machine out of service
gitlab-rake gitlab:backup:restore = overwrites everything by a backup
gitlab-rails runner ~*destroy* = runs code that destroys data
gitlab-rails runner ~*delete* = runs code that deletes data
jenkins-cli|java ~delete-* = deletes something on the build server
argocd app|cluster|repo|proj delete|rm = deletes deployed applications
flux delete|uninstall|suspend = removes parts of the cluster
istioctl uninstall|x = removes the service mesh
ansible ~*state=absent* = removes things on the managed machines
vagrant destroy = deletes virtual machines
virsh destroy|undefine|vol-delete|pool-delete|snapshot-delete = stops or deletes virtual machines
VBoxManage|vboxmanage unregistervm|closemedium --delete = deletes virtual machines
VBoxManage|vboxmanage controlvm * poweroff = stops a virtual machine
multipass delete|purge = deletes virtual machines
lxc|incus delete = deletes containers
qm|pct destroy|stop = stops or deletes virtual machines
deck reset = deletes the whole gateway configuration
deck sync = replaces the gateway configuration, deleting what is not in the file
deck gateway reset|sync = replaces the gateway configuration
rails|rake db:drop*|db:reset*|db:purge*|db:schema:load*|db:truncate_all = empties or deletes the database
bundle exec rails|rake db:drop*|db:reset* = empties or deletes the database
python|manage.py|./manage.py ~flush|~reset_db|~sqlflush !-c = empties the database
manage.py|django-admin flush|reset_db = empties the database
prisma migrate reset = empties the database
npx prisma migrate reset = empties the database
alembic downgrade = takes back changes to the database
knex|sequelize|typeorm ~migrate:rollback|~db:drop|~schema:drop|~db:migrate:undo:all = empties or takes back the database
php|artisan artisan migrate:fresh|migrate:reset|db:wipe|migrate:refresh = empties the database
flyway|liquibase clean|dropall|drop-all|rollback = empties or takes back the database

@infrastructure.applies administer
medium terraform|tofu|terragrunt apply = changes real infrastructure
terraform|tofu|terragrunt apply -auto-approve|--auto-approve = changes real infrastructure without the review step
pulumi up|update --yes|-y|--skip-preview = changes real infrastructure without the review step
medium pulumi up|update = changes real infrastructure
kubectl|oc apply|create|replace|patch|edit|set ~*clusterrole* = changes who may do what in the cluster
low kubectl|oc apply|create|patch|scale|set|label|annotate|expose|autoscale = changes objects of the cluster
medium kubectl|oc run = starts a container in the cluster
medium kubectl proxy --address|--accept-hosts = opens the cluster's API to the network
medium aws * put-secret-value|update-secret|put-parameter|update-function-code|update-stack|run-instances|create-stack|put-bucket*|modify*|update-service = changes something in the cloud account
medium aws ec2|rds create-snapshot|create-db-snapshot|copy-snapshot|modify-snapshot-attribute|create-image = copies a disk of the account
medium aws ssm send-command|start-session = runs commands on machines of the account
medium gcloud compute snapshots|images|instances create = copies a disk or starts a machine
medium az snapshot|disk|vm create = copies a disk or starts a machine
medium az vm run-command = runs commands on machines of the account
medium ansible-playbook !--check|-C|--syntax-check|--list-tasks|--list-hosts = changes the managed machines
medium salt|salt-call|puppet|chef-client|knife state.apply|cmd.run|apply|agent|ssh = changes the managed machines
medium helm install|upgrade = installs into the cluster
medium flyway|liquibase migrate|update = changes the structure of a database
medium vercel|netlify|firebase|serverless|sls|wrangler|cdk|fly|flyctl|eb|gcloud deploy|--prod = puts a new version into service
medium gcloud app|run|functions deploy = puts a new version into service
medium argocd app sync|set|rollback = puts a new version into service

@infrastructure.publishes send
npm|pnpm|yarn|bun|lerna publish = publishes a package to everybody
npm|pnpm|yarn unpublish|deprecate|owner = changes a published package
yarn npm publish = publishes a package to everybody
cargo publish|yank|owner = publishes or takes back a package
poetry|flit|hatch|uv|pdm publish = publishes a package to everybody
twine upload = publishes a package to everybody
gem push|yank|owner = publishes or takes back a package
mvn|./mvnw|mvnw deploy|deploy:*|release:* = publishes build results
gradle|./gradlew|gradlew publish*|uploadarchives|*:publish = publishes build results
sbt publish*|release = publishes build results
nuget|dotnet push|nuget -s|--source = publishes a package
dotnet nuget push|delete = publishes or removes a package
pod trunk push|delete = publishes a package
vsce|ovsx publish|unpublish = publishes an extension
goreleaser release = publishes build results
helm push = publishes a chart
medium docker|podman|nerdctl push = uploads an image to a registry
medium gh release create|upload = publishes a release

@infrastructure.removes-packages delete
apt|apt-get|aptitude remove|purge|autoremove|autopurge = removes system packages
dpkg -r|-P|--remove|--purge = removes system packages
yum|dnf|microdnf|zypper|tdnf remove|erase|autoremove|rm = removes system packages
rpm -e|--erase = removes system packages
pacman|yay|paru -R* = removes system packages
apk del = removes system packages
brew uninstall|remove|rm = removes system packages
snap|flatpak remove|uninstall = removes system packages
pkg delete|remove = removes system packages
port uninstall = removes system packages
winget|choco|scoop uninstall = removes programs
pip|pipx|conda|mamba uninstall|remove = removes installed packages
medium npm|pnpm|yarn|bun uninstall|remove|rm -g|--global = removes globally installed packages
poetry remove = removes a dependency of the project

@infrastructure.privileged-container execute
docker|podman|nerdctl run|create|container --privileged = starts a container with full rights over this machine
docker|podman|nerdctl run|create -v|--volume ~/:* = starts a container that sees the whole disk of this machine
docker|podman|nerdctl run|create --mount ~*source=/,* = starts a container that sees the whole disk of this machine
docker|podman|nerdctl run|create --mount ~*src=/,* = starts a container that sees the whole disk of this machine
docker|podman|nerdctl run|create -v ~/etc:* = starts a container that sees system files of this machine
docker|podman|nerdctl run|create -v ~/root:* = starts a container that sees system files of this machine
docker|podman|nerdctl run|create -v ~/var/run/docker.sock:* = starts a container that controls this machine's containers
docker|podman|nerdctl run|create --pid=host|--cap-add=sys_admin|--cap-add=all|--cap-add=ALL|--cap-add=SYS_ADMIN = starts a container with rights over this machine
docker|podman|nerdctl run|create --pid|--cap-add|--userns ~host = starts a container with rights over this machine
docker|podman|nerdctl run|create --cap-add ~sys_admin|all|sys_ptrace|sys_module = starts a container with rights over this machine
docker|podman run ~*docker.sock* = starts a container that controls this machine's containers
ctr run --mount|--privileged = starts a container that sees this machine's disk
lxc|incus config device add * * disk ~source=/* = gives a container this machine's disk
lxc|incus launch|init ~security.privileged=true = makes a container with rights over this machine
kubectl run|debug --privileged|--profile=sysadmin = starts a container with full rights over its node
kubectl debug node* = starts a container with rights over a node
kubectl run --overrides* = starts a container with settings of its own
nsenter -t|--target|-a = enters the namespace of another process
unshare -r|--map-root-user|-U = starts with rights of its own namespace

@identity.cloud-access grant
aws iam create-access-key|create-user|create-login-profile|update-login-profile|attach-*|put-*-policy|add-user-to-group|update-assume-role-policy|create-policy*|set-default-policy-version|create-role|add-role-to-instance-profile|delete-*|upload-* = changes who may do what in the cloud account
aws sts assume-role*|get-federation-token = takes on another identity in the cloud account
medium aws sts get-session-token = fetches temporary credentials
aws ec2 authorize-security-group*|modify-instance-attribute|associate-iam-instance-profile = opens machines to the network or changes their rights
aws s3api put-bucket-policy|put-bucket-acl|put-object-acl|delete-public-access-block|put-public-access-block = changes who may read a bucket
aws s3 cp|sync|mv --acl ~public-read* = makes objects readable for everybody
aws s3 website = makes a bucket public
aws lambda add-permission = lets others call a function
aws kms create-grant|put-key-policy|schedule-key-deletion|disable-key = changes who may use a key
aws cloudtrail|guardduty|config|logs stop-logging|delete-*|update-trail|put-event-selectors|stop-configuration-recorder|update-detector = switches off the record of what happens in the account
aws organizations leave-organization|remove-account* = takes an account out of its organisation
aws ecr|secretsmanager|sns|sqs set-repository-policy|put-resource-policy|add-permission = changes who may read something
gcloud ~add-iam-policy-binding|~set-iam-policy = changes who may do what in the cloud project
gcloud iam service-accounts|roles create|keys|update|enable|undelete|set-iam-policy|add-iam-policy-binding = changes identities of the cloud project
gcloud projects|organizations add-iam-policy-binding|set-iam-policy = changes who may do what in the cloud project
gcloud compute firewall-rules create|update = opens machines to the network
gcloud auth activate-service-account|print-access-token|print-identity-token|application-default = uses or shows credentials
gsutil iam|acl|defacl ch|set = changes who may read objects
az role assignment|definition create|update = changes who may do what in the cloud account
az ad sp|app|user|group create*|credential|reset*|update|member|owner = changes identities of the cloud account
az account get-access-token = shows credentials
az network nsg rule create|update = opens machines to the network
az keyvault set-policy|secret = reads or changes who may read secrets
kubectl|oc create|apply clusterrolebinding|rolebinding|clusterrole|role|serviceaccount|token = changes who may do what in the cluster
kubectl|oc create token = makes a credential of the cluster
kubectl|oc auth reconcile = changes who may do what in the cluster
kubectl|oc get secret|secrets -o|--output = prints secrets of the cluster
kubectl|oc config view --raw = prints credentials of the cluster
kubectl|oc certificate approve = signs a certificate for the cluster
oc adm policy = changes who may do what in the cluster
gh auth token|refresh = prints or widens a credential
gh secret|variable set = changes a secret of a repository
gh repo edit --visibility = changes who can see a repository
gh repo deploy-key add = lets a key into a repository
gh ssh-key|gpg-key add = lets a key into the account
gh api ~*collaborators* -X|--method = changes who may work on a repository
glab variable set = changes a secret of a repository
npm token|adduser|access|login = changes who may publish
npm owner add = changes who may publish
"""

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC721Upgradeable} from "@openzeppelin/contracts-upgradeable/token/ERC721/ERC721Upgradeable.sol";
import {ERC721URIStorageUpgradeable} from
    "@openzeppelin/contracts-upgradeable/token/ERC721/extensions/ERC721URIStorageUpgradeable.sol";
import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {EIP712Upgradeable} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// A double of the ERC-8004 Identity Registry for tests and the demo chain: the same ABI, storage slots, order of
/// events and refusals as the deployed contract, written from its observed behaviour. Its code differs, so its code
/// hash says plainly that it is not the real one.
contract IdentityRegistryDouble is ERC721URIStorageUpgradeable, OwnableUpgradeable, EIP712Upgradeable, UUPSUpgradeable {
    struct MetadataEntry {
        string metadataKey;
        bytes metadataValue;
    }

    /// @custom:storage-location erc7201:erc8004.identity.registry
    struct RegistryState {
        uint256 lastId; // the next id to give: the first agent is 0
        mapping(uint256 agentId => mapping(string key => bytes)) metadata;
    }

    event Registered(uint256 indexed agentId, string agentURI, address indexed owner);
    event MetadataSet(
        uint256 indexed agentId, string indexed indexedMetadataKey, string metadataKey, bytes metadataValue
    );
    event URIUpdated(uint256 indexed agentId, string newURI, address indexed updatedBy);

    bytes32 private constant STATE = 0xa040f782729de4970518741823ec1276cbcd41a0c7493f62d173341566a04e00;
    bytes32 private constant WALLET_TYPEHASH =
        keccak256("AgentWalletSet(uint256 agentId,address newWallet,address owner,uint256 deadline)");
    uint256 private constant LONGEST_DEADLINE = 300;
    string private constant WALLET_KEY = "agentWallet";

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize() external reinitializer(2) {
        __ERC721_init("AgentIdentity", "AGENT");
        __Ownable_init(msg.sender);
        __EIP712_init("ERC8004IdentityRegistry", "1");
    }

    function register() external returns (uint256 agentId) {
        agentId = mintAgent();
        announce(agentId, "");
    }

    function register(string memory agentURI) external returns (uint256 agentId) {
        agentId = mintAgent();
        _setTokenURI(agentId, agentURI);
        announce(agentId, agentURI);
    }

    function register(string memory agentURI, MetadataEntry[] memory metadata) external returns (uint256 agentId) {
        agentId = mintAgent();
        _setTokenURI(agentId, agentURI);
        announce(agentId, agentURI);
        for (uint256 i = 0; i < metadata.length; i++) {
            store(agentId, metadata[i].metadataKey, metadata[i].metadataValue);
        }
    }

    function setMetadata(uint256 agentId, string memory metadataKey, bytes memory metadataValue) external {
        onlyAuthorised(agentId);
        store(agentId, metadataKey, metadataValue);
    }

    function setAgentURI(uint256 agentId, string calldata newURI) external {
        onlyAuthorised(agentId);
        _setTokenURI(agentId, newURI);
        emit URIUpdated(agentId, newURI, msg.sender);
    }

    /// The new wallet signs, the owner or an operator submits. The signature names the present owner and has no nonce:
    /// it dies with a transfer, and can be repeated until its deadline.
    function setAgentWallet(uint256 agentId, address newWallet, uint256 deadline, bytes calldata signature) external {
        address holder = onlyAuthorised(agentId);
        require(newWallet != address(0), "bad wallet");
        require(block.timestamp <= deadline, "expired");
        require(deadline <= block.timestamp + LONGEST_DEADLINE, "deadline too far");
        bytes32 digest =
            _hashTypedDataV4(keccak256(abi.encode(WALLET_TYPEHASH, agentId, newWallet, holder, deadline)));
        require(walletAgrees(newWallet, digest, signature), "invalid wallet sig");
        putWallet(agentId, abi.encodePacked(newWallet));
    }

    function unsetAgentWallet(uint256 agentId) external {
        onlyAuthorised(agentId);
        putWallet(agentId, "");
    }

    /// Zero, not a refusal, for an agent that does not exist.
    function getAgentWallet(uint256 agentId) external view returns (address) {
        return address(bytes20(state().metadata[agentId][WALLET_KEY]));
    }

    function getMetadata(uint256 agentId, string memory metadataKey) external view returns (bytes memory) {
        return state().metadata[agentId][metadataKey];
    }

    function isAuthorizedOrOwner(address spender, uint256 agentId) external view returns (bool) {
        return _isAuthorized(ownerOf(agentId), spender, agentId);
    }

    function getVersion() external pure returns (string memory) {
        return "2.0.0";
    }

    /// Every transfer, to oneself too, clears the wallet, and says so before the Transfer.
    function _update(address to, uint256 tokenId, address auth) internal override returns (address) {
        if (_ownerOf(tokenId) != address(0) && to != address(0)) {
            putWallet(tokenId, "");
        }
        return super._update(to, tokenId, auth);
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}

    /// The wallet is stored before the receiver is called, and announced after: a receiver that passes the token on
    /// leaves events that end in a wallet while the storage has none.
    function mintAgent() private returns (uint256 agentId) {
        agentId = state().lastId++;
        state().metadata[agentId][WALLET_KEY] = abi.encodePacked(msg.sender);
        _safeMint(msg.sender, agentId);
    }

    function announce(uint256 agentId, string memory agentURI) private {
        emit Registered(agentId, agentURI, msg.sender);
        emit MetadataSet(agentId, WALLET_KEY, WALLET_KEY, abi.encodePacked(msg.sender));
    }

    function store(uint256 agentId, string memory key, bytes memory value) private {
        require(keccak256(bytes(key)) != keccak256(bytes(WALLET_KEY)), "reserved key");
        state().metadata[agentId][key] = value;
        emit MetadataSet(agentId, key, key, value);
    }

    function putWallet(uint256 agentId, bytes memory value) private {
        state().metadata[agentId][WALLET_KEY] = value;
        emit MetadataSet(agentId, WALLET_KEY, WALLET_KEY, value);
    }

    function onlyAuthorised(uint256 agentId) private view returns (address holder) {
        holder = ownerOf(agentId);
        require(_isAuthorized(holder, msg.sender, agentId), "Not authorized");
    }

    function walletAgrees(address wallet, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address recovered, ECDSA.RecoverError problem,) = ECDSA.tryRecover(digest, signature);
        if (problem == ECDSA.RecoverError.NoError && recovered == wallet) return true;
        (bool answered, bytes memory answer) =
            wallet.staticcall(abi.encodeWithSignature("isValidSignature(bytes32,bytes)", digest, signature));
        return answered && answer.length >= 32 && abi.decode(answer, (bytes32)) == bytes32(bytes4(0x1626ba7e));
    }

    function state() private pure returns (RegistryState storage s) {
        assembly {
            s.slot := STATE
        }
    }
}

/// The ERC-1967 proxy in front of it; the deployment places its runtime code at the canonical address.
contract IdentityRegistryProxy {
    fallback() external payable {
        assembly {
            let implementation := sload(0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc)
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), implementation, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }
}

/// What an upgrade brings: the same storage, other code. A reader that pins code hashes must notice.
contract IdentityRegistryNext is IdentityRegistryDouble {
    function next() external pure returns (bool) {
        return true;
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";

interface IIdentity {
    function isAuthorizedOrOwner(address spender, uint256 agentId) external view returns (bool);
}

/// A double of the ERC-8004 Reputation Registry: the same ABI, storage slots, events and refusals as the deployed
/// contract, written from its observed behaviour. Its code differs.
contract ReputationRegistryDouble is OwnableUpgradeable, UUPSUpgradeable {
    struct Feedback {
        int128 value;
        uint8 valueDecimals;
        bool isRevoked;
        string tag1;
        string tag2;
    }

    /// What a search found, a row across the arrays.
    struct Found {
        address[] clients;
        uint64[] indexes;
        int128[] values;
        uint8[] decimals;
        string[] tag1s;
        string[] tag2s;
        bool[] revoked;
    }

    /// @custom:storage-location erc7201:erc8004.reputation.registry.2
    struct ReputationState {
        mapping(uint256 agentId => mapping(address client => mapping(uint64 index => Feedback))) feedback;
        mapping(uint256 agentId => mapping(address client => uint64)) lastIndex;
        mapping(uint256 => mapping(address => mapping(uint64 => mapping(address responder => uint64)))) responseCount;
        mapping(uint256 => mapping(address => mapping(uint64 => address[]))) responders;
        mapping(uint256 => mapping(address => mapping(uint64 => mapping(address => bool)))) responderExists;
        mapping(uint256 agentId => address[]) clients;
        mapping(uint256 agentId => mapping(address client => bool)) clientExists;
    }

    event NewFeedback(
        uint256 indexed agentId,
        address indexed clientAddress,
        uint64 feedbackIndex,
        int128 value,
        uint8 valueDecimals,
        string indexed indexedTag1,
        string tag1,
        string tag2,
        string endpoint,
        string feedbackURI,
        bytes32 feedbackHash
    );
    event FeedbackRevoked(uint256 indexed agentId, address indexed clientAddress, uint64 indexed feedbackIndex);
    event ResponseAppended(
        uint256 indexed agentId,
        address indexed clientAddress,
        uint64 feedbackIndex,
        address indexed responder,
        string responseURI,
        bytes32 responseHash
    );

    bytes32 private constant STATE = 0xa03d7693f2b3746b2d03f163c788147b71aa82854399a21fdf4de143ba778300;
    int128 private constant LARGEST = 1e38;

    address private identityRegistry; // slot 0

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(address identityRegistry_) external reinitializer(2) {
        require(identityRegistry_ != address(0), "bad identity");
        __Ownable_init(msg.sender);
        identityRegistry = identityRegistry_;
    }

    /// Of feedback the storage keeps value, decimals and tags; endpoint, URI and hash are in the event alone.
    function giveFeedback(
        uint256 agentId,
        int128 value,
        uint8 valueDecimals,
        string memory tag1,
        string memory tag2,
        string memory endpoint,
        string memory feedbackURI,
        bytes32 feedbackHash
    ) external {
        require(valueDecimals <= 18, "too many decimals");
        require(value >= -LARGEST && value <= LARGEST, "value too large");
        require(!IIdentity(identityRegistry).isAuthorizedOrOwner(msg.sender, agentId), "Self-feedback not allowed");
        uint64 index = keep(agentId, Feedback(value, valueDecimals, false, tag1, tag2));
        emit NewFeedback(
            agentId, msg.sender, index, value, valueDecimals, tag1, tag1, tag2, endpoint, feedbackURI, feedbackHash
        );
    }

    function revokeFeedback(uint256 agentId, uint64 feedbackIndex) external {
        mustExist(agentId, msg.sender, feedbackIndex);
        Feedback storage given = state().feedback[agentId][msg.sender][feedbackIndex];
        require(!given.isRevoked, "Already revoked");
        given.isRevoked = true;
        emit FeedbackRevoked(agentId, msg.sender, feedbackIndex);
    }

    function appendResponse(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        string calldata responseURI,
        bytes32 responseHash
    ) external {
        mustExist(agentId, clientAddress, feedbackIndex);
        require(bytes(responseURI).length > 0, "Empty URI");
        ReputationState storage s = state();
        if (!s.responderExists[agentId][clientAddress][feedbackIndex][msg.sender]) {
            s.responderExists[agentId][clientAddress][feedbackIndex][msg.sender] = true;
            s.responders[agentId][clientAddress][feedbackIndex].push(msg.sender);
        }
        s.responseCount[agentId][clientAddress][feedbackIndex][msg.sender]++;
        emit ResponseAppended(agentId, clientAddress, feedbackIndex, msg.sender, responseURI, responseHash);
    }

    function getIdentityRegistry() external view returns (address) {
        return identityRegistry;
    }

    function getVersion() external pure returns (string memory) {
        return "2.0.0";
    }

    function getClients(uint256 agentId) external view returns (address[] memory) {
        return state().clients[agentId];
    }

    function getLastIndex(uint256 agentId, address clientAddress) external view returns (uint64) {
        return state().lastIndex[agentId][clientAddress];
    }

    function readFeedback(uint256 agentId, address clientAddress, uint64 feedbackIndex)
        external
        view
        returns (int128 value, uint8 valueDecimals, string memory tag1, string memory tag2, bool isRevoked)
    {
        mustExist(agentId, clientAddress, feedbackIndex);
        Feedback storage f = state().feedback[agentId][clientAddress][feedbackIndex];
        return (f.value, f.valueDecimals, f.tag1, f.tag2, f.isRevoked);
    }

    function readAllFeedback(
        uint256 agentId,
        address[] memory clientAddresses,
        string memory tag1,
        string memory tag2,
        bool includeRevoked
    )
        external
        view
        returns (
            address[] memory clients,
            uint64[] memory feedbackIndexes,
            int128[] memory values,
            uint8[] memory valueDecimals,
            string[] memory tag1s,
            string[] memory tag2s,
            bool[] memory revokedStatuses
        )
    {
        Found memory found = find(agentId, clientAddresses, tag1, tag2, includeRevoked);
        clients = found.clients;
        feedbackIndexes = found.indexes;
        values = found.values;
        valueDecimals = found.decimals;
        tag1s = found.tag1s;
        tag2s = found.tag2s;
        revokedStatuses = found.revoked;
    }

    /// The mean of all values whatever their unit, toward zero, in the decimals most of them have.
    function getSummary(uint256 agentId, address[] memory clientAddresses, string memory tag1, string memory tag2)
        external
        view
        returns (uint64 count, int128 summaryValue, uint8 summaryValueDecimals)
    {
        require(clientAddresses.length > 0, "clientAddresses required");
        Found memory found = find(agentId, clientAddresses, tag1, tag2, false);
        count = uint64(found.values.length);
        if (count == 0) return (0, 0, 0);
        int256 sum = 0;
        uint64[19] memory having;
        for (uint256 i = 0; i < count; i++) {
            sum += int256(found.values[i]) * int256(10 ** (18 - uint256(found.decimals[i])));
            having[found.decimals[i]]++;
        }
        for (uint8 d = 1; d <= 18; d++) {
            if (having[d] > having[summaryValueDecimals]) summaryValueDecimals = d;
        }
        summaryValue = int128(sum / int256(uint256(count)) / int256(10 ** (18 - uint256(summaryValueDecimals))));
    }

    /// No client: all; index 0: all; no responders: all.
    function getResponseCount(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        address[] calldata responders
    ) external view returns (uint64 count) {
        address[] memory asked = state().clients[agentId];
        if (clientAddress != address(0)) {
            asked = new address[](1);
            asked[0] = clientAddress;
        }
        for (uint256 i = 0; i < asked.length; i++) {
            uint64 last = state().lastIndex[agentId][asked[i]];
            for (uint64 j = 1; j <= last; j++) {
                if (feedbackIndex == 0 || j == feedbackIndex) count += responses(agentId, asked[i], j, responders);
            }
        }
    }

    function keep(uint256 agentId, Feedback memory given) private returns (uint64 index) {
        ReputationState storage s = state();
        index = ++s.lastIndex[agentId][msg.sender];
        s.feedback[agentId][msg.sender][index] = given;
        if (!s.clientExists[agentId][msg.sender]) {
            s.clientExists[agentId][msg.sender] = true;
            s.clients[agentId].push(msg.sender);
        }
    }

    function responses(uint256 agentId, address client, uint64 index, address[] calldata responders)
        private
        view
        returns (uint64 count)
    {
        address[] memory who = responders;
        if (who.length == 0) who = state().responders[agentId][client][index];
        for (uint256 i = 0; i < who.length; i++) count += state().responseCount[agentId][client][index][who[i]];
    }

    function find(
        uint256 agentId,
        address[] memory asked,
        string memory tag1,
        string memory tag2,
        bool includeRevoked
    ) private view returns (Found memory found) {
        if (asked.length == 0) asked = state().clients[agentId];
        uint256 most = 0;
        for (uint256 i = 0; i < asked.length; i++) most += state().lastIndex[agentId][asked[i]];
        found = empty(most);
        uint256 n = 0;
        for (uint256 i = 0; i < asked.length; i++) {
            for (uint64 j = 1; j <= state().lastIndex[agentId][asked[i]]; j++) {
                take(found, n, agentId, asked[i], j);
                if (matches(found, n, tag1, tag2, includeRevoked)) n++;
            }
        }
        cut(found, n);
    }

    function empty(uint256 n) private pure returns (Found memory) {
        return Found(
            new address[](n), new uint64[](n), new int128[](n), new uint8[](n), new string[](n), new string[](n), new bool[](n)
        );
    }

    function take(Found memory found, uint256 n, uint256 agentId, address client, uint64 index)
        private
        view
    {
        Feedback storage f = state().feedback[agentId][client][index];
        found.clients[n] = client;
        found.indexes[n] = index;
        found.values[n] = f.value;
        found.decimals[n] = f.valueDecimals;
        found.tag1s[n] = f.tag1;
        found.tag2s[n] = f.tag2;
        found.revoked[n] = f.isRevoked;
    }

    /// What was taken and did not match is behind the n that did.
    function cut(Found memory found, uint256 n) private pure {
        address[] memory a = found.clients;
        uint64[] memory b = found.indexes;
        int128[] memory c = found.values;
        uint8[] memory d = found.decimals;
        string[] memory e = found.tag1s;
        string[] memory f = found.tag2s;
        bool[] memory g = found.revoked;
        assembly {
            mstore(a, n)
            mstore(b, n)
            mstore(c, n)
            mstore(d, n)
            mstore(e, n)
            mstore(f, n)
            mstore(g, n)
        }
    }

    function matches(Found memory f, uint256 n, string memory tag1, string memory tag2, bool revoked)
        private
        pure
        returns (bool)
    {
        return (revoked || !f.revoked[n]) && same(tag1, f.tag1s[n]) && same(tag2, f.tag2s[n]);
    }

    /// An empty tag asks for any.
    function same(string memory asked, string memory has) private pure returns (bool) {
        return bytes(asked).length == 0 || keccak256(bytes(asked)) == keccak256(bytes(has));
    }

    function mustExist(uint256 agentId, address client, uint64 index) private view {
        require(index > 0, "index must be > 0");
        require(index <= state().lastIndex[agentId][client], "index out of bounds");
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}

    function state() private pure returns (ReputationState storage s) {
        assembly {
            s.slot := STATE
        }
    }
}
